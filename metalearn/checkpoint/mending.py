"""Harmless differences between files, put right: wrappers, prefixes, nested parts."""

import re
import unicodedata
from collections.abc import Mapping
from typing import TypeVar

from metalearn.checkpoint.pickle_values import TensorRef, Value
from metalearn.checkpoint.wording import STATE_DICT, check_tensor_name, shown
from metalearn.errors import InvalidCheckpoint

T = TypeVar("T")

_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights")
_MAX_WRAPPERS = 3
_PREFIXES = ("module.", "model.", "net.", "network.", "_forward_module.")
_AVERAGE_COUNTER = "n_averaged"
_COMPILED = re.compile(r"(^|\.)_orig_mod\.")


def find_state_dict(value: Value) -> dict[str, TensorRef]:
    """The tensors by name, out of a state dict or a training checkpoint around one."""
    for _ in range(_MAX_WRAPPERS + 1):
        if isinstance(value, TensorRef):
            raise InvalidCheckpoint(f"The file has a single tensor; upload {STATE_DICT}.")
        if not isinstance(value, dict):
            break
        # A training checkpoint may have a tensor of its own, such as the generator's state.
        if _holds_tensors(value) and not _wrapped(value):
            return _only_tensors(value)
        value = _unwrap(value)
    raise InvalidCheckpoint(f"The file has no tensors by name in it; upload {STATE_DICT}.")


def mend_names(tensors: Mapping[str, T]) -> dict[str, T]:
    """Take off what DataParallel, torch.compile, Lightning and the like put before every name."""
    if not tensors:
        raise InvalidCheckpoint(f"The file has no tensors in it; upload {STATE_DICT}.")
    own = _averaged(tensors)
    result = {_COMPILED.sub(r"\1", name): value for name, value in own.items()}
    while prefix := _common_prefix(result):
        result = {name.removeprefix(prefix): value for name, value in result.items()}
    if len(result) != len(own):
        raise InvalidCheckpoint(
            "The file has the same tensor twice under different prefixes; "
            "save only model.state_dict()."
        )
    _check_looks(result)
    return result


def _averaged(tensors: Mapping[str, T]) -> Mapping[str, T]:
    """Without the counter that torch's AveragedModel puts beside the weights' moving average."""
    others = {name: tensor for name, tensor in tensors.items() if name != _AVERAGE_COUNTER}
    wrapped = all(name.startswith("module.") for name in others)
    return others if others and wrapped else tensors


def _check_looks(names: Mapping[str, object]) -> None:
    """Two names that people cannot tell apart would be read differently by different programs."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(unicodedata.normalize("NFKC", name), name)
        if other != name:
            raise InvalidCheckpoint(
                f"The tensor names “{shown(other)}” and “{shown(name)}” differ only in how their "
                f"letters are encoded; upload {STATE_DICT}."
            )


def _common_prefix(names: Mapping[str, object]) -> str:
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) and len(name) > len(prefix) for name in names):
            return prefix
    return ""


def _holds_tensors(value: dict[Value, Value]) -> bool:
    return any(isinstance(item, TensorRef) for item in value.values())


def _only_tensors(value: dict[Value, Value]) -> dict[str, TensorRef]:
    result = {}
    for name, item in value.items():
        if not isinstance(item, TensorRef):
            raise InvalidCheckpoint(
                f"“{shown(str(name))}” in the file is not a tensor; upload {STATE_DICT} "
                "with tensors only."
            )
        result[check_tensor_name(name)] = item
    return result


def _wrapped(value: dict[Value, Value]) -> str | None:
    """The usual key under which a training checkpoint has the model's weights, if it is there."""
    return next((key for key in _WRAPPERS if isinstance(value.get(key), dict)), None)


def _unwrap(value: dict[Value, Value]) -> Value:
    """The part of a training checkpoint that holds the model's weights."""
    if key := _wrapped(value):
        return value[key]
    parts = {
        key: part for key, part in value.items() if isinstance(part, dict) and _holds_tensors(part)
    }
    if len(parts) > 1:
        names = ", ".join(f"“{shown(str(key), 40)}”" for key in list(parts)[:3])
        raise InvalidCheckpoint(
            f"The file has several groups of tensors ({names}); save only model.state_dict()."
        )
    return next(iter(parts.values()), None)
