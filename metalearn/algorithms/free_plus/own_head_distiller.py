"""Distillation of any teachers on any images, through teacher-specific heads.

A teacher's outputs for classes it does not know reveal what it sees in them, and separate heads
keep teachers' labels from conflicting.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from metalearn.algorithms.free.distiller import Distillation, LearnerWithHeads
from metalearn.algorithms.free.learner_inputs import prepared
from metalearn.algorithms.free_plus.config import FreePlusConfig
from metalearn.algorithms.free_plus.own_heads import TeacherHeads
from metalearn.numerics.augmentation import crop_and_colour
from metalearn.numerics.losses import distillation_loss
from metalearn.numerics.precision import autocast
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask
from metalearn.recovery.task_memory import TaskMemory
from metalearn.recovery.teacher_pass import said_by
from metalearn.shapes import Images, Scalar


@dataclass(frozen=True)
class TeacherBatch:
    """Images in [0, 1], and the logits of some teachers over all of their classes."""

    images: Images
    teachers: tuple[int, ...]
    logits: tuple[Tensor, ...]


class OwnHeadDistiller:
    """FREE+'s distiller: each teacher has a head, and is queried about images of any class."""

    def __init__(self, pool: Pool, config: FreePlusConfig, device: torch.device) -> None:
        self.pool = pool
        self.config = config
        self.device = device

    def losses(self, tasks: Sequence[RecoveredTask]) -> list[Distillation]:
        batches = [recovered_batch(task, self.config, self.pool) for task in tasks]
        return self._losses_of(batches)

    def remembered(self, memory: TaskMemory, rng: torch.Generator) -> list[Distillation]:
        batches = [
            remembered_batch(memory, self.config, pool=self.pool, device=self.device, rng=rng)
            for _ in range(self.config.teachers_per_step)
        ]
        return self._losses_of([batch for batch in batches if batch is not None])

    def _losses_of(self, batches: Sequence[TeacherBatch]) -> list[Distillation]:
        return [
            partial(batch_loss, batch=batch, config=self.config, pool=self.pool)
            for batch in batches
        ]


def teacher_batch(
    images: Images, teachers: Sequence[int], config: FreePlusConfig, pool: Pool
) -> TeacherBatch:
    limits = config.inversion.limits
    said = tuple(said_by(pool.teachers[place], images, limits) for place in teachers)
    return TeacherBatch(images, tuple(teachers), said)


def recovered_batch(task: RecoveredTask, config: FreePlusConfig, pool: Pool) -> TeacherBatch:
    """Query a teacher about the images recovered from it, which may be augmented already."""
    place = next(i for i, teacher in enumerate(pool.teachers) if teacher is task.task.teacher)
    return teacher_batch(task.images, [place], config, pool)


def remembered_batch(
    memory: TaskMemory,
    config: FreePlusConfig,
    *,
    pool: Pool,
    device: torch.device,
    rng: torch.Generator,
) -> TeacherBatch | None:
    """Query some teachers about remembered images of any class; None if nothing is remembered."""
    pixels = memory.draw(config.alignment_images, rng)
    if pixels is None:
        return None
    images = pixels.to(device).float() / 255
    if config.augmentation:
        images = crop_and_colour(images, strength=config.augmentation, rng=rng)
    places = torch.randperm(len(pool), generator=rng)[: config.teachers_asked].tolist()
    return teacher_batch(images, places, config, pool)


def batch_loss(
    trained: LearnerWithHeads, *, batch: TeacherBatch, config: FreePlusConfig, pool: Pool
) -> Scalar:
    assert isinstance(trained.heads, TeacherHeads)
    images = prepared(batch.images, trained.network, pool)
    with autocast(config.precision, images.device):
        features: Tensor = trained.network.embed(images)
    found = trained.heads.of(features.float(), batch.teachers)
    said = [
        trained.heads.asked(logits, place)
        for logits, place in zip(batch.logits, batch.teachers, strict=True)
    ]
    losses = [
        distillation_loss(own, theirs, temperature=config.distillation_temperature)
        for own, theirs in zip(found, said, strict=True)
    ]
    return torch.stack(losses).mean()
