"""Teachers from files; only what is parsed and checked here can join a pool."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from contract.declared import DeclaredFile
from metalearn.checkpoint.assembling import assemble
from metalearn.checkpoint.checks import CHECKS, Candidate, check_forward
from metalearn.checkpoint.fingerprint import fingerprint
from metalearn.checkpoint.model import ReadModel, read_model
from metalearn.checkpoint.normalisation import check_inside
from metalearn.checkpoint.recognition import recognise
from metalearn.networks import Network, NetworkSpec, build_bare
from metalearn.networks.index import is_counter
from metalearn.pool import Teacher


def read_checkpoint(path: Path, declared: DeclaredFile) -> Teacher:
    """Return the frozen classifier in a file. Raises InvalidCheckpoint with what to fix."""
    return teacher_of(read_model(path, declared), declared)


def make_teacher(tensors: Mapping[str, Tensor], declared: DeclaredFile) -> Teacher:
    """Make a Teacher from tensors that are already read; those that are not fp32 are copied."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    recognised = recognise(
        shapes, chosen=declared.architecture or None, image_size=declared.image_size
    )
    return _teacher(*assemble(recognised.match, tensors), declared)


def teacher_of(model: ReadModel, declared: DeclaredFile) -> Teacher:
    check_inside(model.normalisation, declared.mean, declared.std)
    return _teacher(model.spec, model.tensors, declared)


def _teacher(spec: NetworkSpec, tensors: Mapping[str, Tensor], declared: DeclaredFile) -> Teacher:
    network = build_bare(spec)
    own = network.state_dict()
    candidate = Candidate(
        tensors=tensors,
        spec=spec,
        expected={name: tuple(tensor.shape) for name, tensor in own.items()},
        tables={name: tensor for name, tensor in own.items() if _is_table(name, tensor)},
        channels=declared.channels or None,
        mean=declared.mean,
        std=declared.std,
        class_names=declared.class_names,
    )
    for check in CHECKS:
        check(candidate)
    teacher = Teacher(
        name=declared.name,
        held=_with_weights(network, candidate),
        mean=declared.mean,
        std=declared.std,
        class_names=declared.class_names,
        sha256=fingerprint(tensors),
    )
    check_forward(teacher)
    return teacher


def _is_table(name: str, tensor: Tensor) -> bool:
    return not (tensor.is_meta or tensor.dtype.is_floating_point or is_counter(name))


def _with_weights(network: Network, candidate: Candidate) -> Network:
    state = {
        name: _weight(candidate.tensors.get(name), shape)
        for name, shape in candidate.expected.items()
    }
    network.load_state_dict(state, assign=True)
    return network


def _weight(tensor: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    if tensor is None:
        return torch.zeros(shape, dtype=torch.int64)
    return tensor.float() if tensor.dtype.is_floating_point else tensor.long()
