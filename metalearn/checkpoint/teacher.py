"""Parsed, not merely checked: only what `read_checkpoint` returns can become part of a pool."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from metalearn.checkpoint.checks import CHECKS, Candidate, check_forward
from metalearn.checkpoint.fingerprint import fingerprint
from metalearn.checkpoint.reading import read_tensors
from metalearn.checkpoint.recognition import recognise
from metalearn.networks import Network, build_network, expected_shapes
from metalearn.pool import Teacher


@dataclass(frozen=True)
class Declaration:
    """What is said about a file. `architecture` and `channels` may be left open (None)."""

    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    name: str = "model"
    architecture: str | None = None
    channels: int | None = None


def read_checkpoint(path: Path, declared: Declaration) -> Teacher:
    """The frozen classifier in a file; InvalidCheckpoint says what is wrong and how to mend it."""
    return make_teacher(read_tensors(path), declared)


def make_teacher(tensors: Mapping[str, Tensor], declared: Declaration) -> Teacher:
    """The same from tensors that were read already; they are copied where they are not fp32."""
    spec = recognise(tensors, declared.architecture, declared.image_size)
    candidate = Candidate(
        tensors=tensors,
        spec=spec,
        expected=expected_shapes(spec),
        channels=declared.channels,
        mean=declared.mean,
        std=declared.std,
        class_names=declared.class_names,
    )
    for check in CHECKS:
        check(candidate)
    teacher = Teacher(
        name=declared.name,
        network=_build(candidate),
        mean=declared.mean,
        std=declared.std,
        class_names=declared.class_names,
        sha256=fingerprint(tensors),
    )
    check_forward(teacher)
    return teacher


def _build(candidate: Candidate) -> Network:
    """The network with the tensors as its weights; nothing is initialised first."""
    with torch.device("meta"):
        network = build_network(candidate.spec)
    state = {
        name: _weight(candidate.tensors.get(name), shape)
        for name, shape in candidate.expected.items()
    }
    network.load_state_dict(state, assign=True)
    return network


def _weight(tensor: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """Single precision for weights; a counter that old files lack starts at zero."""
    if tensor is None:
        return torch.zeros(shape, dtype=torch.int64)
    return tensor.float() if tensor.dtype.is_floating_point else tensor.long()
