"""Distillation through a linear head for every teacher; the heads fall away in the end.

Every teacher may be asked about every image: what it says of classes that it does not know tells
what it sees in them, and heads of their own keep teachers from contradicting one another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.learning import prepared
from metalearn.augmentation import crop_and_colour
from metalearn.inversion import RecoveredTask
from metalearn.losses import distillation_loss, released_distillation_loss
from metalearn.networks import Network
from metalearn.paced import PacedOptimisers
from metalearn.pool import Pool
from metalearn.precision import autocast
from metalearn.shapes import Features, Images, Logits, Scalar
from metalearn.task_memory import TaskMemory
from metalearn.teacher_pass import said_by


class TeacherHeads(nn.Linear):
    """The heads of all teachers as the rows of one linear layer, in the pool's order.

    Of a teacher with more than `most` classes as many are drawn, and its head answers for these.
    """

    def __init__(self, pool: Pool, feature_dim: int, *, most: int, rng: torch.Generator) -> None:
        self.classes = [_drawn(teacher.n_classes, most, rng) for teacher in pool.teachers]
        self.sizes = [len(classes) for classes in self.classes]
        super().__init__(feature_dim, sum(self.sizes))

    def asked(self, said: Tensor, teacher: int) -> Tensor:
        """What the teacher at this place said, of the classes that its head answers for."""
        classes = self.classes[teacher]
        return said if len(classes) == said.shape[1] else said[:, classes]

    def of(self, features: Features, teachers: Sequence[int]) -> list[Tensor]:
        """Logits over each one's classes, for teachers at these places of the pool."""
        ends = torch.tensor(self.sizes).cumsum(0).tolist()
        rows = torch.cat([torch.arange(ends[i] - self.sizes[i], ends[i]) for i in teachers])
        rows = rows.to(self.weight.device)
        logits = F.linear(features, self.weight[rows], self.bias[rows])
        return list(torch.split(logits, [self.sizes[i] for i in teachers], dim=1))


def _drawn(n_classes: int, most: int, rng: torch.Generator) -> list[int]:
    if n_classes <= most:
        return list(range(n_classes))
    return sorted(torch.randperm(n_classes, generator=rng)[:most].tolist())


class Taught(nn.Module):
    """The learner together with the teachers' heads, if there are any: what alignment moves."""

    def __init__(self, network: Network, heads: TeacherHeads | None) -> None:
        super().__init__()
        self.network = network
        self.heads = heads


def optimisers_of(taught: Taught, config: FreeConfig) -> PacedOptimisers:
    """What moves it. Heads are Adam's: one of a teacher's is a few rows, no matrix to turn."""
    weights = list(taught.parameters())
    kernels = [w for w in weights if w.ndim > 2 and config.outer_optimiser == "muon"]
    turned = {id(kernel) for kernel in kernels}
    others = [w for w in weights if id(w) not in turned]
    return PacedOptimisers(kernels, others, kernel_lr=config.kernel_lr, other_lr=config.outer_lr)


Distillation = Callable[[Taught], Tensor]
"""How far the learner is from what some teachers say of some images."""


def shared_loss(loss: Distillation, taught: Taught) -> Callable[[Network], Tensor]:
    """The same loss as a function of the learner alone, with the heads as they are."""
    return lambda network: loss(Taught(network, taught.heads))


@dataclass(frozen=True)
class Lesson:
    """Images in [0, 1] and what some teachers say of them: logits over all classes of each."""

    images: Images
    teachers: tuple[int, ...]
    logits: tuple[Tensor, ...]


def lesson_of(images: Images, teachers: Sequence[int], config: FreeConfig, pool: Pool) -> Lesson:
    """Ask teachers (by their places in the pool) about images."""
    limits = config.inversion.limits
    said = tuple(said_by(pool.teachers[place], images, limits) for place in teachers)
    return Lesson(images, tuple(teachers), said)


def recovered_lesson(task: RecoveredTask, config: FreeConfig, pool: Pool) -> Lesson:
    """A teacher about the images recovered from it (changed already, if they are to be)."""
    place = next(i for i, teacher in enumerate(pool.teachers) if teacher is task.task.teacher)
    return lesson_of(task.images, [place], config, pool)


def remembered_lesson(
    memory: TaskMemory,
    config: FreeConfig,
    *,
    pool: Pool,
    device: torch.device,
    rng: torch.Generator,
) -> Lesson | None:
    """Some teachers about remembered images of any classes; None while nothing is remembered."""
    pixels = memory.draw(config.alignment_images, rng)
    if pixels is None:
        return None
    images = pixels.to(device).float() / 255
    if config.augmentation:
        images = crop_and_colour(images, strength=config.augmentation, rng=rng)
    places = torch.randperm(len(pool), generator=rng)[: config.teachers_asked].tolist()
    return lesson_of(images, places, config, pool)


def lesson_loss(taught: Taught, *, lesson: Lesson, config: FreeConfig, pool: Pool) -> Scalar:
    """KL(teacher || learner), or the released form of it, mean over images and teachers."""
    assert taught.heads is not None
    images = prepared(lesson.images, taught.network, pool)
    with autocast(config.precision, images.device):
        features: Tensor = taught.network.embed(images)
    found = taught.heads.of(features.float(), lesson.teachers)
    said = [
        taught.heads.asked(logits, place)
        for logits, place in zip(lesson.logits, lesson.teachers, strict=True)
    ]
    losses = [_divergence(a, b, config) for a, b in zip(found, said, strict=True)]
    return torch.stack(losses).mean()


def _divergence(student: Logits, teacher: Logits, config: FreeConfig) -> Scalar:
    if config.distillation == "as_released":
        return released_distillation_loss(student, teacher)
    return distillation_loss(student, teacher, temperature=config.distillation_temperature)
