"""Recovery of images from a teacher by briefly fitting a copy of the meta-generator (FIVE)."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from metalearn.networks.batchnorm import batchnorm_loss, has_batchnorm
from metalearn.networks.generator import Generator
from metalearn.numerics.augmentation import shift_and_flip
from metalearn.numerics.gradients import set_gradients
from metalearn.numerics.losses import (
    accuracy,
    adversarial_loss,
    class_loss,
    released_adversarial_loss,
)
from metalearn.numerics.precision import autocast
from metalearn.pool import Pool, Teacher
from metalearn.recovery.teacher_pass import Limits, seen_by
from metalearn.shapes import Images, Labels, Latents, Logits, Scalar

Student = Callable[[Images, Labels], Logits]
"""The meta-learner's logits for images in [0, 1]; needed only for the adversarial term."""


@dataclass(frozen=True)
class TeacherTask:
    """`n_way` of a teacher's classes; label i of the task is the teacher's output `classes[i]`."""

    teacher: Teacher
    classes: tuple[int, ...]

    @classmethod
    def sample(
        cls,
        teacher: Teacher,
        n_way: int,
        rng: torch.Generator,
        among: Sequence[int] | None = None,
    ) -> "TeacherTask":
        """Draw at most `n_way` of the teacher's classes (or of `among`), in random order."""
        known = range(teacher.n_classes) if among is None else among
        order = torch.randperm(len(known), generator=rng)[:n_way].tolist()
        return cls(teacher, tuple(known[index] for index in order))

    @property
    def n_way(self) -> int:
        return len(self.classes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of the labels."""
        return tuple(self.teacher.class_names[index] for index in self.classes)

    def memory_names(self, *, merge: bool) -> tuple[str, ...]:
        """Return class names in the memory, which are shared between teachers with `merge`."""
        if merge:
            return self.class_names
        return tuple(f"{self.teacher.name}: {name}" for name in self.class_names)

    def logits(self, images: Images) -> Logits:
        """Return logits for images in [0, 1], restricted to the task's classes."""
        return self.teacher.logits(images)[:, list(self.classes)]


@dataclass(frozen=True)
class InversionSettings:
    steps: int
    generator_lr: float
    latent_lr: float
    class_weight: float
    batchnorm_weight: float
    adversarial_weight: float
    max_shift: int
    precision: str
    teacher_mb: int = 1_024
    kept_images: str = "last"
    adversarial: str = "kl"
    generator_update: str = "first_order"

    @property
    def limits(self) -> Limits:
        return Limits(self.teacher_mb * 2**20, self.precision)


@dataclass(frozen=True)
class RecoveredTask:
    """Images in [0, 1] recovered from a teacher, at the generator's size, and how well they fit."""

    task: TeacherTask
    images: Images
    labels: Labels
    losses: dict[str, float]
    teacher_accuracy: float


def about_statistics(pool: Pool) -> list[str]:
    """Return a notice about models without batch-norm statistics, if there are any."""
    without = sum(not has_batchnorm(teacher.network) for teacher in pool.teachers)
    if not without:
        return []
    have = "has" if without == 1 else "have"
    return [
        f"{without} of {len(pool)} models {have} no batch-norm statistics; their images are "
        "recovered from the outputs alone, and look less like the training images."
    ]


class Fit(NamedTuple):
    recovered: RecoveredTask
    direction: list[Tensor]
    """The gradient at the copy's last forward pass, or the difference of the weights.

    The first, with `generator_update` “first_order”, is first-order MAML's. The second, with
    “reptile”, is the generator's weights minus the copy's final ones.
    """


def recover(
    task: TeacherTask,
    generator: Generator,
    latents: Latents,
    labels: Labels,
    *,
    settings: InversionSettings,
    rng: torch.Generator,
    student: Student | None = None,
) -> Fit:
    """Fit a copy of `generator` and the latents to the task. The generator does not change.

    The images are those of the last pass (FREE, FIVE; algorithms.md 1.4), or with `kept_images`
    "best" those with the lowest loss. There are `settings.steps` passes forward and backward and
    one update fewer, as no pass would follow the last. Without a student there is no adversarial
    term.
    """
    adapted = copy.deepcopy(generator)
    weights = list(adapted.parameters())
    latents = latents.detach().clone().requires_grad_()
    optimiser = _inner_optimiser(weights, latents, settings)
    kept, lowest = None, float("inf")
    for step in range(settings.steps):
        with autocast(settings.precision, latents.device):
            images = adapted(latents, labels)
            terms, hits = _loss_terms(
                task, images, labels, settings=settings, rng=rng, student=student
            )
        loss = torch.stack(list(terms.values())).sum()
        gradients = torch.autograd.grad(loss, [*weights, latents])
        if settings.kept_images == "last" or kept is None or float(loss.detach()) < lowest:
            lowest = float(loss.detach())
            values = {name: float(term.detach()) for name, term in terms.items()}
            kept = RecoveredTask(task, images.detach(), labels, values, hits)
        if step < settings.steps - 1:
            set_gradients([*weights, latents], gradients)
            optimiser.step()
    assert kept is not None
    if settings.generator_update == "first_order":
        return Fit(kept, list(gradients[:-1]))
    pairs = zip(generator.parameters(), weights, strict=True)
    return Fit(kept, [before.detach() - after.detach() for before, after in pairs])


def _inner_optimiser(
    weights: list[nn.Parameter], latents: Tensor, settings: InversionSettings
) -> torch.optim.Adam:
    groups = [
        {"params": weights, "lr": settings.generator_lr},
        {"params": [latents], "lr": settings.latent_lr},
    ]
    return torch.optim.Adam(groups, betas=(0.5, 0.999), fused=True)


def _loss_terms(
    task: TeacherTask,
    images: Images,
    labels: Labels,
    *,
    settings: InversionSettings,
    rng: torch.Generator,
    student: Student | None,
) -> tuple[dict[str, Scalar], float]:
    shown = shift_and_flip(images, max_shift=settings.max_shift, rng=rng)
    said, records = seen_by(task.teacher, shown, settings.limits)
    logits = said[:, list(task.classes)]
    terms = {"recovery": settings.class_weight * class_loss(logits, labels)}
    if settings.batchnorm_weight:
        terms["batchnorm"] = settings.batchnorm_weight * batchnorm_loss(records, like=images)
    if student is not None and settings.adversarial_weight:
        loss_of = adversarial_loss if settings.adversarial == "kl" else released_adversarial_loss
        against = loss_of(student(shown, labels).float(), logits)
        terms["adversarial"] = settings.adversarial_weight * against
    return terms, accuracy(logits, labels)
