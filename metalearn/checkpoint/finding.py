"""Search for the raw and averaged weights in a training checkpoint."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from metalearn.checkpoint.facts import LeftOut
from metalearn.checkpoint.limits import MAX_NAME_LENGTH, MAX_TENSORS
from metalearn.checkpoint.modules import attributes_of, class_of, is_module, state_of
from metalearn.checkpoint.partial import refuse_packed
from metalearn.checkpoint.pickle_values import Record, TensorRef, Value
from metalearn.checkpoint.printable import STATE_DICT, check_tensor_name, shown
from metalearn.checkpoint.weights import Kind
from metalearn.errors import InvalidCheckpoint

RAW = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "module",
    "model_weights",
    "net_state_dict",
    "student",
)
AVERAGED = (
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "ema_model_state_dict",
    "model_ema_state_dict",
    "ema_model",
    "ema",
    "swa_state_dict",
    "swa_model",
    "averaged_model",
)
TRAINING = {
    "optimizer": "optimiser state",
    "optimizers": "optimiser state",
    "optimizer_state": "optimiser state",
    "optimizer_states": "optimiser state",
    "optimizer_state_dict": "optimiser state",
    "optim": "optimiser state",
    "opt_state": "optimiser state",
    "lr_scheduler": "scheduler state",
    "lr_schedulers": "scheduler state",
    "scheduler": "scheduler state",
    "scheduler_state_dict": "scheduler state",
    "scaler": "state of mixed precision",
    "amp_scaler": "state of mixed precision",
    "amp": "state of mixed precision",
    "criterion": "state of the loss",
    "loss": "state of the loss",
    "callbacks": "state of callbacks",
    "loops": "state of the training loop",
    "averaging_state": "a counter of the average",
}
"""Keys of training checkpoints that never hold the model's weights."""
MAX_LEFT_OUT = 200
_MAX_WRAPPERS = 3
_MAX_LIST = 20
# Names of parts that together make one network.
_PARTS = frozenset(
    {
        *("backbone", "encoder", "body", "trunk", "features", "feature_extractor", "extractor"),
        *("base", "stem", "neck", "head", "classifier", "fc", "linear", "cls_head"),
    }
)
_REBUILT = "torch._utils._rebuild_"
# Lightning's WeightAveraging stores the average in place of the raw weights.
_LIGHTNING_RAW, _LIGHTNING_MARK = "current_model_state", "averaging_state"


@dataclass(frozen=True)
class Found:
    kind: Kind
    where: str
    entries: dict[Value, Value]
    module_class: str | None = None
    """The network's class, if the file holds a whole pickled module."""


def find_weights(value: Value) -> list[Found]:
    """Return all sets of weights, averaged first; raise InvalidCheckpoint if there are none."""
    if isinstance(value, TensorRef):
        raise InvalidCheckpoint(f"The file has a single tensor; upload {STATE_DICT}.")
    found = list(_Search().within(value, "", 0))
    if not found and isinstance(value, Record) and value.path.startswith("__torch__."):
        raise InvalidCheckpoint(
            "The file is a TorchScript program without weights by name, as torch.jit.freeze makes "
            "it; save the program from before it was frozen, or upload "
            "torch.save(model.state_dict(), …)."
        )
    if not found and isinstance(value, Record):
        raise InvalidCheckpoint(
            f"The file is an object (“{shown(value.path)}”), perhaps a whole pickled model, "
            f"without any tensors; upload {STATE_DICT}."
        )
    if not found and _is_only_training(entries_of(value) or {}):
        raise InvalidCheckpoint(
            "The file has the state of an optimiser, but not the model; upload "
            "torch.save(model.state_dict(), …)."
        )
    if not found:
        raise InvalidCheckpoint(f"The file has no named tensors; upload {STATE_DICT}.")
    return sorted(found, key=lambda part: part.kind != "ema")


def _is_only_training(entries: dict[Value, Value]) -> bool:
    if {"state", "param_groups"} <= entries.keys():
        return True
    return any(why == "optimiser state" for key, why in TRAINING.items() if key in entries)


def tensors_of(found: Found) -> tuple[dict[str, TensorRef], list[LeftOut]]:
    """Return the tensors by name, and the entries that are not tensors."""
    tensors: dict[str, TensorRef] = {}
    left_out: list[LeftOut] = []
    for name, item in found.entries.items():
        if isinstance(item, TensorRef):
            tensors[check_tensor_name(name)] = item
            continue
        refuse_packed(str(name)[-MAX_NAME_LENGTH:])
        if len(left_out) < MAX_LEFT_OUT:
            left_out.append(LeftOut(shown(_join(found.where, name)), _what(item)))
    return tensors, left_out


def _what(item: Value) -> str:
    if isinstance(item, Record) and item.path.startswith(_REBUILT):
        return f"a tensor of a special kind ({shown(item.path.removeprefix(_REBUILT), 40)})"
    return "not a tensor"


def left_beside(value: Value, found: list[Found]) -> list[LeftOut]:
    """Return top-level entries with tensors that are not the model's weights."""
    entries = entries_of(value)
    places = tuple(f"{part.where}." for part in found)
    if entries is None or "." in places:
        return []
    search = _Search()
    return [
        LeftOut(shown(key), TRAINING.get(key, "not a part of the model"))
        for key, part in entries.items()
        if isinstance(key, str) and not any(place.startswith(f"{key}.") for place in places)
        if key in TRAINING or isinstance(part, TensorRef) or search.count(part)
    ]


def entries_of(value: Value) -> dict[Value, Value] | None:
    """Return what a value holds by name: a dictionary, a record's content or a short list."""
    if isinstance(value, Record):
        value = value.items if isinstance(value.items, dict) else attributes_of(value)
    if isinstance(value, list | tuple) and len(value) <= _MAX_LIST:
        return {str(at): part for at, part in enumerate(value) if isinstance(part, dict | Record)}
    return value if isinstance(value, dict) else None


class _Search:
    """Search that visits each part once: a small file can refer to a large part a million times."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._entered: set[int] = set()

    def within(self, value: Value, where: str, depth: int) -> Iterator[Found]:
        entries = entries_of(value)
        if entries is None or depth > _MAX_WRAPPERS or id(value) in self._entered:
            return
        self._entered.add(id(value))
        if _is_optimiser(value):
            return
        if isinstance(value, Record) and is_module(value):
            state = state_of(value)
            if state:
                yield Found("raw", where, state, class_of(value))
            return
        known = list(self._known(entries, where, depth))
        groups = [] if known else self._groups(entries)
        most = max((self.count(part) for _, part in groups), default=0)
        own = self.count(value)
        if known:
            yield from known
        elif own and own >= most:
            yield Found("raw", where, entries)
        else:
            yield from self._together(groups, where, depth)

    def count(self, value: Value) -> int:
        entries = value.items if isinstance(value, Record) else value
        if not isinstance(entries, dict):
            return 0
        known = self._counts.get(id(entries))
        if known is None:
            known = sum(isinstance(item, TensorRef) for item in entries.values())
            self._counts[id(entries)] = known
        return known

    def _known(self, value: dict[Value, Value], where: str, depth: int) -> Iterator[Found]:
        """Yield the weights under the usual keys: all averages and the first raw set."""
        swapped = _LIGHTNING_RAW in value and _LIGHTNING_MARK in value
        averaged = (*AVERAGED, "state_dict") if swapped else AVERAGED
        raw = (_LIGHTNING_RAW,) if swapped else RAW
        if _same_names(value.get("student"), value.get("teacher")):
            averaged = (*averaged, "teacher")
        for key in averaged:
            for part in self.within(value.get(key), _join(where, key), depth + 1):
                yield replace(part, kind="ema")
        for key in raw:
            parts = list(self.within(value.get(key), _join(where, key), depth + 1))
            if parts:
                yield from parts
                return

    def _groups(self, value: dict[Value, Value]) -> list[tuple[Value, Value]]:
        parts = [
            (key, part)
            for key, part in value.items()
            if not (isinstance(key, str) and key in TRAINING) and not _is_optimiser(part)
        ]
        groups = [(key, part) for key, part in parts if self.count(part) or is_module(part)]
        return groups or [(k, part) for k, part in parts[:_MAX_LIST] if isinstance(part, dict)]

    def _together(
        self, groups: list[tuple[Value, Value]], where: str, depth: int
    ) -> Iterator[Found]:
        """Yield the only group, or merge groups whose names are parts of one network."""
        found = [
            (key, part)
            for key, group in groups
            for part in self.within(group, _join(where, key), depth + 1)
        ]
        names = [str(key).removesuffix("_state_dict") for key, _ in found]
        if len(found) > 1 and set(names) <= _PARTS and len(set(names)) == len(names):
            whole: dict[Value, Value] = {
                f"{name}.{key}": item
                for name, (_, part) in zip(names, found, strict=True)
                for key, item in islice(part.entries.items(), 2 * MAX_TENSORS)
            }
            yield Found("raw", where, whole)
        elif len({key for key, _ in found}) > 1:
            several = ", ".join(f"“{shown(str(key), 40)}”" for key, _ in found[:3])
            raise InvalidCheckpoint(
                f"The file has several groups of tensors ({several}); save only model.state_dict()."
            )
        else:
            yield from (part for _, part in found)


def _is_optimiser(value: Value) -> bool:
    return isinstance(value, dict) and "state" in value and "param_groups" in value


def _same_names(one: Value, other: Value) -> bool:
    """Return whether the names agree, as those of a student and its averaged teacher do."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return False
    return 0 < len(one) <= MAX_TENSORS and one.keys() == other.keys()


def _join(where: str, key: Value) -> str:
    return f"{where}.{key}" if where else str(key)
