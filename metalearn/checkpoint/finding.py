"""Where in a training checkpoint the weights are: as they were trained, and averaged."""

from collections.abc import Iterator
from dataclasses import dataclass

from metalearn.checkpoint.facts import LeftOut
from metalearn.checkpoint.pickle_values import TensorRef, Value
from metalearn.checkpoint.weights import Kind
from metalearn.checkpoint.wording import STATE_DICT, check_tensor_name, shown
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
"""Parts of training checkpoints that are never weights of the model."""
_MAX_WRAPPERS = 3
# Lightning's WeightAveraging puts the average in the place of the weights it was made of.
_LIGHTNING_RAW, _LIGHTNING_MARK = "current_model_state", "averaging_state"


@dataclass(frozen=True)
class Found:
    """A dictionary with tensors in it, and where it is."""

    kind: Kind
    where: str
    entries: dict[Value, Value]


def find_weights(value: Value) -> list[Found]:
    """Every set of weights, the averaged ones first; InvalidCheckpoint when there is none."""
    if isinstance(value, TensorRef):
        raise InvalidCheckpoint(f"The file has a single tensor; upload {STATE_DICT}.")
    found = list(_search(value, "", 0))
    if not found:
        raise InvalidCheckpoint(f"The file has no tensors by name in it; upload {STATE_DICT}.")
    return sorted(found, key=lambda part: part.kind != "ema")


def tensors_of(found: Found) -> tuple[dict[str, TensorRef], list[LeftOut]]:
    """The tensors by name, and what else is among them."""
    tensors: dict[str, TensorRef] = {}
    left_out = []
    for name, item in found.entries.items():
        if isinstance(item, TensorRef):
            tensors[check_tensor_name(name)] = item
        else:
            left_out.append(LeftOut(shown(_join(found.where, name)), "not a tensor"))
    return tensors, left_out


def left_beside(value: Value, found: list[Found]) -> list[LeftOut]:
    """Entries of the checkpoint, at its top, with tensors that are no weights of the model."""
    if not isinstance(value, dict):
        return []
    taken = {part.where.split(".", 1)[0] for part in found}
    if "" in taken:
        return []
    return [
        LeftOut(shown(str(key)), TRAINING.get(key, "not a part of the model"))
        for key, part in value.items()
        if isinstance(key, str) and key not in taken
        if key in TRAINING or isinstance(part, TensorRef) or _holds_tensors(part)
    ]


def _search(value: Value, where: str, depth: int) -> Iterator[Found]:
    if not isinstance(value, dict) or depth > _MAX_WRAPPERS:
        return
    known = list(_known(value, where, depth))
    if known:
        yield from known
    elif _holds_tensors(value):
        yield Found("raw", where, value)
    else:
        yield from _only_group(value, where, depth)


def _known(value: dict[Value, Value], where: str, depth: int) -> Iterator[Found]:
    """What is under the usual keys: every average, and the first that is none."""
    swapped = _LIGHTNING_RAW in value and _LIGHTNING_MARK in value
    averaged = (*AVERAGED, "state_dict") if swapped else AVERAGED
    raw = (_LIGHTNING_RAW,) if swapped else RAW
    for key in averaged:
        for part in _search(value.get(key), _join(where, key), depth + 1):
            yield Found("ema", part.where, part.entries)
    for key in raw:
        parts = list(_search(value.get(key), _join(where, key), depth + 1))
        if parts:
            yield from parts
            return


def _only_group(value: dict[Value, Value], where: str, depth: int) -> Iterator[Found]:
    """The one part with tensors under a key that is not known."""
    groups = {
        key: part
        for key, part in value.items()
        if _holds_tensors(part) and not (isinstance(key, str) and key in TRAINING)
    }
    if len(groups) > 1:
        names = ", ".join(f"“{shown(str(key), 40)}”" for key in list(groups)[:3])
        raise InvalidCheckpoint(
            f"The file has several groups of tensors ({names}); save only model.state_dict()."
        )
    for key, part in groups.items():
        yield from _search(part, _join(where, key), depth + 1)


def _holds_tensors(value: Value) -> bool:
    return isinstance(value, dict) and any(isinstance(item, TensorRef) for item in value.values())


def _join(where: str, key: Value) -> str:
    return f"{where}.{key}" if where else str(key)
