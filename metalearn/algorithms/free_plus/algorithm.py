"""FREE+'s outer step: FREE's, plus distillation on remembered images."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithms.free.algorithm import Free
from metalearn.algorithms.free.distiller import Distillation, Distiller, LearnerWithHeads
from metalearn.algorithms.free.needs import needs_of_free
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.algorithms.free_plus.config import FreePlusConfig
from metalearn.algorithms.free_plus.needs import memory_questions
from metalearn.algorithms.free_plus.own_head_distiller import OwnHeadDistiller
from metalearn.algorithms.free_plus.own_heads import TeacherHeads
from metalearn.algorithms.free_plus.shared_head_memory import SharedHeadMemoryDistiller
from metalearn.needs import Needs
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask
from metalearn.recovery.task_memory import TaskMemory


@runtime_checkable
class RememberingDistiller(Distiller, Protocol):
    def remembered(self, memory: TaskMemory, rng: torch.Generator) -> list[Distillation]:
        """Return a loss for each sampled batch; none while the memory holds too little."""


class FreePlus(Free):
    name = "free_plus"
    title = "FREE+"
    paper = "https://arxiv.org/abs/2405.00984"
    summary = (
        "FREE with a head for every model: several models label each remembered image, and the "
        "learner takes many more updates. Ours, not the paper's."
    )
    Config = FreePlusConfig
    config: FreePlusConfig
    distiller: RememberingDistiller

    @classmethod
    def needs_of(cls, pool: Pool, config: FreeSettings, device: torch.device) -> Needs:
        assert isinstance(config, FreePlusConfig)
        return needs_of_free(pool, config, device, memory_questions(pool, config))

    def _new_trained(self) -> LearnerWithHeads:
        if self.config.distillation_head != "own":
            return super()._new_trained()
        with seeded_from(self.rng):
            heads = TeacherHeads(
                self.pool, self.learner.feature_dim, most=self.config.head_classes, rng=self.rng
            )
        return LearnerWithHeads(self.learner, heads.to(self.device))

    def _new_distiller(self) -> RememberingDistiller:
        kind = (
            OwnHeadDistiller
            if self.config.distillation_head == "own"
            else SharedHeadMemoryDistiller
        )
        return kind(self.pool, self.config, self.device)

    def teach(self, recovered: Sequence[RecoveredTask]) -> dict[str, float]:
        return self.realign() | super().teach(recovered)

    def realign(self) -> dict[str, float]:
        """Align (BELL) on images from the memory, with newly sampled teachers each time."""
        losses = []
        for _ in range(self.config.replay_alignments):
            if remembered := self.distiller.remembered(self.memory, self.rng):
                losses.append(self.follow(remembered))
        return {"replayed_distillation": sum(losses) / len(losses)} if losses else {}

    def parts(self) -> dict[str, Stateful]:
        heads = self.trained.heads
        return super().parts() | ({"heads": heads} if heads is not None else {})
