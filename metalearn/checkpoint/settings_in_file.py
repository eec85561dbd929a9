"""Settings that training scripts save beside the weights, found in a bounded, cycle-safe walk."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from metalearn.checkpoint.finding import TRAINING
from metalearn.checkpoint.modules import is_module
from metalearn.checkpoint.pickle_numpy import NumpyArray
from metalearn.checkpoint.pickle_values import Record, TensorRef, Value

_MAX_DEPTH = 6
_MAX_NODES = 2_000
_MAX_LIST = 100
_SHORT = 3
_MAX_ENTRIES = 20_000
# Where settings objects keep their content: OmegaConf, ml_collections, mmengine.
_CONTENTS = ("_content", "_fields", "_cfg_dict")


@dataclass(frozen=True)
class Settings:
    keys: tuple[str, ...]
    entries: Mapping[Value, Value]

    def where(self, key: str) -> str:
        return ".".join((*self.keys, key))


def walk_settings(value: Value) -> Iterator[Settings]:
    """Yield every mapping in the file that holds no tensors, outermost first."""
    queue: deque[tuple[tuple[str, ...], Value]] = deque([((), value)])
    seen: set[int] = set()
    nodes = entries = 0
    while queue and nodes < _MAX_NODES and entries < _MAX_ENTRIES:
        keys, item = queue.popleft()
        if id(item) in seen:
            continue
        seen.add(id(item))
        nodes += 1
        mapping = as_mapping(item)
        if mapping is not None and (is_module(item) or not _is_weights(mapping)):
            entries += len(mapping)
            yield Settings(keys, mapping)
            if len(keys) < _MAX_DEPTH:
                queue.extend(_inner(keys, mapping, module=is_module(item)))
        elif isinstance(item, list | tuple) and len(keys) < _MAX_DEPTH:
            queue.extend((keys, part) for part in item[:_MAX_LIST] if _can_hold(part))


def as_mapping(value: Value) -> Mapping[Value, Value] | None:
    if isinstance(value, dict):
        return value
    if not isinstance(value, Record):
        return None
    state = value.state
    if isinstance(state, tuple) and state:
        state = next((part for part in state if isinstance(part, dict)), None)
    if isinstance(state, dict):
        for key in _CONTENTS:
            if isinstance(state.get(key), dict):
                inner: dict[Value, Value] = state[key]
                return inner
    if isinstance(value.items, dict) and value.items:
        return value.items
    return state if isinstance(state, dict) else None


def plain(value: Value, longest: int = _SHORT) -> Value:
    """Unwrap a number, text or list from OmegaConf nodes, enums, paths or arrays.

    Lists are cut after `longest` + 1 items, enough to see that they are too long.
    """
    if isinstance(value, NumpyArray):
        return value.values(longest)
    if isinstance(value, Record) and isinstance(value.state, dict):
        inner = value.state.get("_content", value.state.get("items"))
        if isinstance(inner, list):
            value = inner
    if isinstance(value, Record) and isinstance(value.items, list):
        value = value.items
    if isinstance(value, list | tuple):
        return [_unwrapped(item) for item in value[: longest + 1]]
    return _unwrapped(value)


def _unwrapped(value: Value) -> Value:
    if not isinstance(value, Record):
        return value
    if isinstance(value.state, dict) and "_val" in value.state:
        return value.state["_val"]
    if len(value.args) == 1 and isinstance(value.args[0], str | int | float):
        return value.args[0]
    return None


def _inner(
    keys: tuple[str, ...], mapping: Mapping[Value, Value], *, module: bool
) -> Iterator[tuple[tuple[str, ...], Value]]:
    for key, part in islice(mapping.items(), _MAX_ENTRIES):
        private = not isinstance(key, str) or key.startswith("_") or key in TRAINING
        # Networks carry facts about themselves, their layers do not.
        if not private and _can_hold(part) and not (module and is_module(part)):
            yield (*keys, str(key)), part


def _can_hold(value: Value) -> bool:
    return isinstance(value, dict | list | tuple | Record)


def _is_weights(mapping: Mapping[Value, Value]) -> bool:
    return any(isinstance(item, TensorRef) for item in mapping.values())
