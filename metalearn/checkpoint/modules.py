"""State dict of a whole pickled network, read from its modules' attributes as plain data."""

import re
from collections.abc import Iterator

from metalearn.checkpoint.limits import MAX_TENSORS
from metalearn.checkpoint.pickle_values import Record, TensorRef, Value, damaged

_MAX_DEPTH = 60
_MAX_STEPS = 6 * MAX_TENSORS
_PARTS = ("_parameters", "_buffers", "_modules")
_SCRIPT = "__torch__."
_MANGLED = re.compile(r"___torch_mangle_\d+\.")
_PARALLEL = "torch.nn.parallel."


def is_module(value: Value) -> bool:
    if not isinstance(value, Record):
        return False
    state = attributes_of(value)
    return value.path.startswith(_SCRIPT) or any(part in state for part in _PARTS)


def attributes_of(record: Record) -> dict[Value, Value]:
    """Return an object's attributes; with slots, its state is a tuple that contains them."""
    state = record.state
    if isinstance(state, tuple):
        state = next((part for part in state if isinstance(part, dict)), None)
    return state if isinstance(state, dict) else {}


def class_of(module: Record) -> str:
    """Return the Python name of the network's class, ignoring a DataParallel wrapper."""
    for _ in range(_MAX_DEPTH):
        inner = _dict_at(attributes_of(module), "_modules").get("module")
        if not module.path.startswith(_PARALLEL) or not isinstance(inner, Record):
            break
        module = inner
    return _MANGLED.sub("", module.path.removeprefix(_SCRIPT))


def state_of(module: Record) -> dict[Value, Value]:
    """Return the tensors by their names in `module.state_dict()`."""
    result: dict[Value, Value] = {}
    waiting: list[tuple[str, Record, int]] = [("", module, 0)]
    left = _MAX_STEPS
    while waiting:
        prefix, one, depth = waiting.pop()
        left -= 1 + sum(len(part) for part in _parts_of(one))
        if depth > _MAX_DEPTH or left < 0:
            raise damaged("the network in it is nested too deeply, or holds itself")
        for name, tensor in _own_tensors(one):
            result[prefix + name] = tensor
        inner = [(f"{prefix}{name}.", part, depth + 1) for name, part in _submodules(one)]
        waiting += reversed(inner)
    return result


def _own_tensors(module: Record) -> Iterator[tuple[str, TensorRef]]:
    passing = attributes_of(module).get("_non_persistent_buffers_set")
    skipped = passing.items if isinstance(passing, Record) else None
    names = {name for name in skipped if type(name) is str} if isinstance(skipped, list) else set()
    for part in _parts_of(module):
        for name, tensor in part.items():
            if isinstance(name, str) and isinstance(tensor, TensorRef) and name not in names:
                yield name, tensor


def _submodules(module: Record) -> Iterator[tuple[str, Record]]:
    for part in _parts_of(module):
        for name, inner in part.items():
            if isinstance(name, str) and isinstance(inner, Record) and is_module(inner):
                yield name, inner


def _parts_of(module: Record) -> list[dict[Value, Value]]:
    state = attributes_of(module)
    return [state] if module.path.startswith(_SCRIPT) else [_dict_at(state, p) for p in _PARTS]


def _dict_at(state: dict[Value, Value], key: str) -> dict[Value, Value]:
    """Return the dictionary under this key; protocol 2 and dict subclasses make records of some."""
    value = state.get(key)
    if isinstance(value, Record):
        value = value.items
    return value if isinstance(value, dict) else {}
