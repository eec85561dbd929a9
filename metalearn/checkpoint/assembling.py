"""A file's tensors under the names of the network that they were recognised as."""

from collections.abc import Mapping

import torch
from torch import Tensor

from metalearn.checkpoint.matching import Match
from metalearn.networks import NetworkSpec, expected_shapes
from metalearn.networks.index import is_counter


def assemble(match: Match, tensors: Mapping[str, Tensor]) -> tuple[NetworkSpec, dict[str, Tensor]]:
    """The network's spec and its tensors; `tensors` has the file's names.

    One output becomes two, of which the first is always zero: the same decision, as a softmax over
    “no” and “yes”. A head without bias gets zeros. Counters that averaging has made
    floating-point numbers are whole again.
    """
    named = {name: tensors[theirs] for name, theirs in match.names.items()}
    spec = match.spec
    if spec.n_classes == 1:
        spec = NetworkSpec(**{**spec.as_dict(), "n_classes": 2})
    for name, shape in expected_shapes(spec).items():
        if name not in named and not is_counter(name):
            named[name] = torch.zeros(match_shape(shape, match.spec.n_classes), dtype=_kind(named))
    if match.spec.n_classes == 1:
        head = {n for n, s in expected_shapes(spec).items() if n in named and s != named[n].shape}
        named |= {name: torch.cat([torch.zeros_like(named[name]), named[name]]) for name in head}
    shapes = expected_shapes(spec)
    return spec, {name: _as_expected(name, t, shapes[name]) for name, t in named.items()}


def match_shape(shape: tuple[int, ...], n_classes: int) -> tuple[int, ...]:
    """The shape of a head's bias for the file's own number of outputs."""
    return (n_classes, *shape[1:])


def _kind(tensors: Mapping[str, Tensor]) -> torch.dtype:
    return next(t.dtype for t in tensors.values() if t.dtype.is_floating_point)


def _as_expected(name: str, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    if is_counter(name) and tensor.dtype.is_floating_point:
        return tensor.round().long()
    return tensor.reshape(shape) if tensor.shape[:2] == shape and tensor.dim() == 4 else tensor
