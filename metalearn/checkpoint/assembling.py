"""Conversion of a file's tensors to the recognised network's names and shapes."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from metalearn.checkpoint.matching import Match
from metalearn.networks import NetworkSpec, expected_shapes, get_architecture
from metalearn.networks.index import is_counter


def assemble(match: Match, tensors: Mapping[str, Tensor]) -> tuple[NetworkSpec, dict[str, Tensor]]:
    """Return the network's spec and its tensors; `tensors` uses the file's names.

    Several heads are merged into one. A single output becomes two, the first always zero, so that
    softmax gives the original sigmoid. A missing head bias becomes zeros. Counters that averaging
    turned into floats are rounded.
    """
    named = {name: tensors[theirs] for name, theirs in match.names.items()}
    named = get_architecture(match.spec.architecture).own_tensors(named)
    spec = replace(match.spec, n_classes=max(match.spec.n_classes, 2))
    shapes = expected_shapes(spec)
    for name, shape in shapes.items():
        if name not in named and not is_counter(name):
            # Only a head may lack its bias; it has one element per output of the file.
            named[name] = torch.zeros((match.spec.n_classes, *shape[1:]), dtype=_kind(named))
    if match.spec.n_classes == 1:
        head = {name for name, tensor in named.items() if tensor.shape[:1] != shapes[name][:1]}
        named |= {name: torch.cat([torch.zeros_like(named[name]), named[name]]) for name in head}
    return spec, {name: _as_expected(name, t, shapes[name]) for name, t in named.items()}


def _kind(tensors: Mapping[str, Tensor]) -> torch.dtype:
    return next(t.dtype for t in tensors.values() if t.dtype.is_floating_point)


def _as_expected(name: str, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    if is_counter(name) and tensor.dtype.is_floating_point:
        return tensor.round().long()
    return tensor.reshape(shape) if tensor.shape[:2] == shape and tensor.dim() == 4 else tensor
