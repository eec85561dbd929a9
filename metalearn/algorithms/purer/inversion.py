from dataclasses import dataclass

import torch
from torch import Tensor

from metalearn.algorithms.purer.config import PurerConfig
from metalearn.algorithms.purer.images import LearnableImages
from metalearn.networks.batchnorm import batchnorm_loss
from metalearn.numerics.losses import accuracy, class_loss
from metalearn.numerics.precision import autocast
from metalearn.recovery.inversion import TeacherTask
from metalearn.recovery.teacher_pass import Limits, seen_by
from metalearn.shapes import Images, Labels, Scalar


@dataclass(frozen=True)
class TeacherLoss:
    """One teacher's differentiable inversion loss, its weighted terms and its accuracy."""

    loss: Scalar
    terms: dict[str, float]
    accuracy: float
    images: Images
    labels: Labels


def inversion_loss(
    task: TeacherTask,
    images: LearnableImages,
    config: PurerConfig,
    *,
    limits: Limits,
    rng: torch.Generator,
) -> TeacherLoss:
    """Return one teacher's L_inv (algorithms.md 2.1): cross entropy, statistics, variation, norm.

    The batch-norm term is the sum over layers, as in the paper.
    """
    names = task.memory_names(merge=config.merge_classes)
    own = images.of_classes(names)
    labels = torch.arange(len(names), device=own.device).repeat(images.per_class)
    shown = rolled(own, max_shift=config.max_shift, rng=rng)
    with autocast(config.precision, own.device):
        said, records = seen_by(task.teacher, images.unit(shown), limits)
    logits = said[:, list(task.classes)]
    terms = {
        "recovery": class_loss(logits, labels),
        "batchnorm": config.batchnorm_weight * len(records) * batchnorm_loss(records, like=own),
        "variation": config.variation_weight * total_variation(shown),
        "norm": config.norm_weight * shown.norm(),
    }
    return TeacherLoss(
        loss=torch.stack(list(terms.values())).sum(),
        terms={name: float(term.detach()) for name, term in terms.items()},
        accuracy=accuracy(logits, labels),
        images=images.unit(own).detach().clamp(0, 1),
        labels=labels,
    )


def total(losses: list[Scalar], teacher_weights: str) -> Scalar:
    """Combine the teachers' losses.

    "equal" is their sum. "as_released" adds the running sum after each teacher, as the released
    code does: of n teachers the i-th (from 0) has weight n - i.
    """
    stacked = torch.stack(losses)
    if teacher_weights == "as_released":
        return stacked.cumsum(0).sum()
    return stacked.sum()


def total_variation(images: Images) -> Scalar:
    """Return the sum of the L2 norms of neighbour differences: right, down and both diagonals."""
    differences = (
        images[..., :, 1:] - images[..., :, :-1],
        images[..., 1:, :] - images[..., :-1, :],
        images[..., 1:, 1:] - images[..., :-1, :-1],
        images[..., 1:, :-1] - images[..., :-1, 1:],
    )
    return torch.stack([difference.norm() for difference in differences]).sum()


def rolled(images: Images, *, max_shift: int, rng: torch.Generator) -> Tensor:
    """Roll the whole batch by up to `max_shift` pixels in both directions."""
    down, right = torch.randint(-max_shift, max_shift + 1, (2,), generator=rng).tolist()
    return images.roll((down, right), (-2, -1))
