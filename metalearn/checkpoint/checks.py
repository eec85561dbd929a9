"""Checks of a candidate; each raises InvalidCheckpoint with what is wrong and how to fix it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from contract.limits import MAX_CLASS_NAME, MAX_CLASSES
from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec
from metalearn.pool import Teacher

_COUNTER = "num_batches_tracked"
# Untrained networks reach 1e8; damaged ones go far beyond.
_MAX_LOGIT = 1e9


@dataclass(frozen=True)
class Candidate:
    tensors: Mapping[str, Tensor]
    spec: NetworkSpec
    expected: Mapping[str, tuple[int, ...]]
    tables: Mapping[str, Tensor]
    """Integer buffers that the architecture computes itself, such as relative position indices."""
    channels: int | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]


Check = Callable[[Candidate], None]


def check_names(candidate: Candidate) -> None:
    """Require exactly the expected tensors; only batch-norm counters may be missing."""
    title = candidate.spec.architecture
    for name in candidate.expected:
        if name not in candidate.tensors and not name.endswith(_COUNTER):
            raise InvalidCheckpoint(
                f"The tensor “{name}” is missing; save the whole state dict of a {title} network, "
                "or choose the architecture the file was saved from."
            )
    for name in candidate.tensors:
        if name not in candidate.expected:
            raise InvalidCheckpoint(
                f"The tensor “{shown(name)}” does not belong to {title}; choose the architecture "
                "the file was saved from, or leave the tensor out."
            )


def check_shapes(candidate: Candidate) -> None:
    for name, tensor in candidate.tensors.items():
        if tuple(tensor.shape) != candidate.expected[name]:
            raise InvalidCheckpoint(
                f"The tensor “{name}” has shape {list(tensor.shape)} instead of "
                f"{list(candidate.expected[name])}; choose the architecture the file was saved "
                "from."
            )


def check_kinds(candidate: Candidate) -> None:
    for name, tensor in candidate.tensors.items():
        if name in candidate.tables:
            continue
        counter = name.endswith(_COUNTER)
        if tensor.dtype.is_floating_point == counter or tensor.dtype == torch.bool:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise InvalidCheckpoint(
                f"The tensor “{name}” has dtype {kind}; "
                "save the model with floating-point weights (float32, float16 or bfloat16)."
            )


def check_tables(candidate: Candidate) -> None:
    """Reject index tables that differ from the architecture's; they could point anywhere."""
    for name, own in candidate.tables.items():
        found = candidate.tensors.get(name)
        if found is not None and not torch.equal(found.to(own.dtype), own):
            raise InvalidCheckpoint(
                f"The tensor “{name}” differs from the one that {candidate.spec.architecture} "
                "computes; choose the architecture the file was saved from."
            )


def check_finite(candidate: Candidate) -> None:
    """Reject NaN and infinity, also after conversion to single precision."""
    for name, tensor in candidate.tensors.items():
        if tensor.dtype.is_floating_point and not torch.isfinite(tensor.float()).all():
            raise InvalidCheckpoint(
                f"The tensor “{name}” has NaN or infinite values; upload a checkpoint from "
                "before the training diverged."
            )


def check_variances(candidate: Candidate) -> None:
    for name, tensor in candidate.tensors.items():
        if name.endswith("running_var") and (tensor < 0).any():
            raise InvalidCheckpoint(
                f"The tensor “{name}” has negative variances; the file is damaged, save it again."
            )


def check_channels(candidate: Candidate) -> None:
    found, declared = candidate.spec.channels, candidate.channels
    if found not in {1, 3}:
        raise InvalidCheckpoint(
            f"The model takes {found} channels; only grey (1) and colour (3) models can be used."
        )
    if declared is not None and declared != found:
        raise InvalidCheckpoint(
            f"The model takes {found} channels, but {declared} were given; correct the channels."
        )


def check_normalisation(candidate: Candidate) -> None:
    channels = candidate.spec.channels
    for word, values in (("mean", candidate.mean), ("standard deviation", candidate.std)):
        if len(values) != channels:
            raise InvalidCheckpoint(
                f"The {word} has {len(values)} values for {channels} channels; "
                "give one for each channel."
            )
        if not all(math.isfinite(value) and abs(value) <= 1_000 for value in values):
            raise InvalidCheckpoint(
                f"The {word} must be ordinary numbers; give it for images from 0 to 1."
            )
    if min(candidate.std) < 1e-4:
        raise InvalidCheckpoint(
            "The standard deviation must be positive; give it for images from 0 to 1."
        )


def check_class_names(candidate: Candidate) -> None:
    n_outputs, names = candidate.spec.n_classes, candidate.class_names
    if not 2 <= n_outputs <= MAX_CLASSES:
        raise InvalidCheckpoint(
            f"The model has {n_outputs} outputs; classifiers with 2 to {MAX_CLASSES} can be used."
        )
    if len(names) != n_outputs:
        raise InvalidCheckpoint(
            f"The model has {n_outputs} outputs, but {len(names)} class names were given; "
            "give one name for each output, in the order of the outputs."
        )
    if len(set(names)) != len(names):
        raise InvalidCheckpoint("Two classes have the same name; give each a different one.")
    for name in names:
        if not name.strip() or len(name) > MAX_CLASS_NAME or not name.isprintable():
            raise InvalidCheckpoint(
                f"The class name “{shown(name, 40)}” is empty, too long or unprintable; "
                f"use at most {MAX_CLASS_NAME} ordinary characters."
            )


CHECKS: tuple[Check, ...] = (
    check_names,
    check_shapes,
    check_kinds,
    check_tables,
    check_channels,
    check_normalisation,
    check_class_names,
    check_finite,
    check_variances,
)
"""Likely user errors are checked first, expensive checks come last."""


def check_forward(teacher: Teacher) -> None:
    """Require finite, bounded logits for noise images."""
    size = teacher.image_size
    noise = torch.rand(
        (2, teacher.channels, size, size), generator=torch.Generator().manual_seed(0)
    )
    try:
        with torch.no_grad():
            logits = teacher.logits(noise)
    except (AssertionError, ValueError, IndexError, RuntimeError) as error:
        if "memory" in str(error):
            raise
        raise InvalidCheckpoint(
            f"The model cannot take images of {size} pixels ({str(error)[:150]}); "
            "give the size that it was trained with."
        ) from None
    if not torch.isfinite(logits).all() or logits.abs().max() > _MAX_LOGIT:
        raise InvalidCheckpoint(
            "The model's outputs on a noise image are not finite or far too large; check that "
            "the file is a trained model and that the normalisation is right."
        )
