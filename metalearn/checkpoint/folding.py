"""Folding of weight norm and pruning masks, which training stores as two tensors, into weights."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from metalearn.checkpoint.facts import LeftOut
from metalearn.checkpoint.printable import shown
from metalearn.checkpoint.weights import Part
from metalearn.errors import InvalidCheckpoint

_COUNTER = "num_batches_tracked"
_PARAMETRISED = re.compile(r"(^|\.)parametrizations\.")
_THOP = frozenset({"total_ops", "total_params"})
Fold = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class _Pair:
    """Suffixes of two tensors that make one; the second has its shape."""

    first: str
    second: str
    fold: Fold
    what: str


def fold(parts: Mapping[str, Part], where: str) -> tuple[dict[str, Part], list[LeftOut]]:
    """Return the tensors that the network uses, and those left out."""
    result: dict[str, Part] = {}
    left_out = []
    for name, part in _folded(parts).items():
        why = _why_left_out(name, part)
        if why:
            left_out.append(LeftOut(shown(f"{where}.{name}" if where else name), why))
        else:
            result[name] = _with_whole_counter(name, part)
    return result, left_out


def _folded(parts: Mapping[str, Part]) -> dict[str, Part]:
    result: dict[str, Part] = {}
    used = {
        name.removesuffix(pair.second) + pair.first
        for name in parts
        for pair in _PAIRS
        if _is_pair(name, pair, parts)
    }
    for name, part in parts.items():
        pair = next((one for one in _PAIRS if _is_pair(name, one, parts)), None)
        if pair:
            target, other = _target(name, pair), parts[name.removesuffix(pair.second) + pair.first]
            result[target] = _together(target, pair, other, part)
        elif name not in used:
            result[name] = part
    return result


def _is_pair(name: str, pair: _Pair, parts: Mapping[str, Part]) -> bool:
    if not name.endswith(pair.second) or _target(name, pair) in parts:
        return False
    other = parts.get(name.removesuffix(pair.second) + pair.first)
    if other is None or not other.dtype.is_floating_point and pair.fold is _normed:
        return False
    shape = parts[name].shape
    if pair.fold is _masked:
        return other.shape == shape
    return parts[name].dtype.is_floating_point and _direction(other.shape, shape) is not None


def _target(name: str, pair: _Pair) -> str:
    return _PARAMETRISED.sub(r"\1", name.removesuffix(pair.second))


def _together(target: str, pair: _Pair, first: Part, second: Part) -> Part:
    def make(tensors: list[Tensor]) -> Tensor:
        made = pair.fold(tensors[0], tensors[1])
        if not torch.isfinite(made).all() and all(torch.isfinite(t).all() for t in tensors):
            raise InvalidCheckpoint(
                f"{pair.what} of “{shown(target)}” gives values that are not finite; remove it "
                "in the program that trained the model, and save the state dict again."
            )
        return made

    return Part(second.key, second.shape, second.dtype, (first.key, second.key), make)


def _direction(length: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """Return the dimension that weight norm keeps, -1 for a single norm, None if neither."""
    if not length:
        return -1
    if len(length) != len(shape):
        return None
    for dim, size in enumerate(shape):
        if length[dim] == size and all(n == 1 for at, n in enumerate(length) if at != dim):
            return dim
    return -1 if all(n == 1 for n in length) else None


def _normed(length: Tensor, direction: Tensor) -> Tensor:
    """Apply `torch.nn.utils.weight_norm`: rows of `direction` scaled to norm `length`."""
    dim = _direction(tuple(length.shape), tuple(direction.shape))
    assert dim is not None
    return direction * (length / torch.norm_except_dim(direction, 2, dim))


def _masked(mask: Tensor, weight: Tensor) -> Tensor:
    return weight * mask.to(weight.dtype)


_PAIRS = (
    _Pair("_g", "_v", _normed, "The weight norm"),
    _Pair(".original0", ".original1", _normed, "The weight norm"),
    _Pair("_mask", "_orig", _masked, "The pruning mask"),
)


def _why_left_out(name: str, part: Part) -> str | None:
    if name.rsplit(".", 1)[-1] in _THOP:
        return "a counter of thop"
    return "an empty tensor" if 0 in part.shape else None


def _with_whole_counter(name: str, part: Part) -> Part:
    """Round batch norm's counter, which averaging and half precision make fractional."""
    if not name.endswith(_COUNTER) or not part.dtype.is_floating_point:
        return part
    return replace(part, dtype=torch.int64, keys=(part.key,), make=_rounded)


def _rounded(tensors: list[Tensor]) -> Tensor:
    """Round; counters that overflowed half precision restart at zero."""
    counter = tensors[0].double().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    return counter.clamp(0, 2**53).round().long()
