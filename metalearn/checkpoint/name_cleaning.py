"""Removal of what wrappers add to the names of tensors."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import TypeVar

from metalearn.checkpoint.facts import LeftOut
from metalearn.checkpoint.finding import AVERAGED
from metalearn.checkpoint.printable import STATE_DICT, shown
from metalearn.checkpoint.weights import Kind
from metalearn.errors import InvalidCheckpoint

T = TypeVar("T")

_PREFIXES = ("model.", "net.", "network.")
_AVERAGE_COUNTER = "n_averaged"
_PARALLEL = "module."
_WRAPPERS = re.compile(
    r"(^|\.)(?:(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\.)+"
)


def averaged_within(
    kind: Kind, where: str, tensors: Mapping[str, T]
) -> Iterator[tuple[Kind, str, Mapping[str, T]]]:
    """Yield the tensors, and separately a moving average of them stored under a prefix."""
    for key in AVERAGED:
        prefix = f"{key}."
        average = {name: part for name, part in tensors.items() if name.startswith(prefix)}
        others = {name: part for name, part in tensors.items() if not name.startswith(prefix)}
        if average and _covers(average, others, prefix):
            inner = {name.removeprefix(prefix): part for name, part in average.items()}
            yield "ema", f"{where}.{key}" if where else key, inner
            yield kind, where, others
            return
    yield kind, where, tensors


def without_counters(
    kind: Kind, where: str, tensors: Mapping[str, T]
) -> tuple[Mapping[str, T], list[LeftOut]]:
    """Drop the counter that torch's AveragedModel adds to the averaged weights."""
    others = {name: tensor for name, tensor in tensors.items() if name != _AVERAGE_COUNTER}
    wrapped = kind == "ema" or all(name.startswith(_PARALLEL) for name in others)
    if len(others) == len(tensors) or not others or not wrapped:
        return tensors, []
    name = f"{where}.{_AVERAGE_COUNTER}" if where else _AVERAGE_COUNTER
    return others, [LeftOut(name, "a counter of the average")]


def clean_names(tensors: Mapping[str, T]) -> dict[str, T]:
    """Remove what DataParallel, torch.compile, FSDP and the like add to names."""
    if not tensors:
        raise InvalidCheckpoint(f"The file has no tensors in it; upload {STATE_DICT}.")
    return _renamed(tensors, {name: _clean(name) for name in tensors})


def without_common_prefix(tensors: Mapping[str, T]) -> dict[str, T]:
    """Also remove “model.” and the like if every name starts with it."""
    result = dict(tensors)
    while prefix := _common_prefix(result):
        result = {name.removeprefix(prefix): value for name, value in result.items()}
    return result


def _clean(name: str) -> str:
    before = ""
    while name != before:
        before = name
        name = _WRAPPERS.sub(r"\1", name)
        name = name.removeprefix(_PARALLEL) or name
    return name


def _covers(average: Mapping[str, T], others: Mapping[str, T], prefix: str) -> bool:
    ends = {_clean(name) for name in others}
    ends |= {name.split(".", 1)[-1] for name in ends}
    names = {_clean(name.removeprefix(prefix)) for name in average}
    names.discard(_AVERAGE_COUNTER)
    return bool(names) and names <= ends


def _renamed(tensors: Mapping[str, T], names: Mapping[str, str]) -> dict[str, T]:
    result = {names[name]: tensor for name, tensor in tensors.items()}
    if len(result) != len(tensors):
        raise InvalidCheckpoint(
            "The file has the same tensor twice under different prefixes; "
            "save only model.state_dict()."
        )
    _check_looks(result)
    return result


def _check_looks(names: Mapping[str, object]) -> None:
    """Refuse names that differ only in Unicode form: programs may treat them differently."""
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
