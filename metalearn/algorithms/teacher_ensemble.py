"""Ensemble of teachers: their concatenated features, without any learning.

The strongest use of a pool that needs no training: a support set is compared in the features of all
teachers at once. Every teacher keeps its input size and normalisation, so different architectures
can be combined. It costs one forward pass per member.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.errors import InvalidSetting
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, cached_bytes, held_bytes
from metalearn.networks import EnsembleNetwork, EnsembleSpec, MemberSpec
from metalearn.pool import Pool
from metalearn.settings import setting


@dataclass(frozen=True)
class TeacherEnsembleConfig:
    """Settings of the ensemble."""

    members: int = setting(
        0,
        "number of teachers that take part, the first ones of the pool; 0 is all; each adds a "
        "forward pass per image",
        low=0,
        high=1_000,
    )


class TeacherEnsemble(Algorithm):
    name = "teacher_ensemble"
    title = "Ensemble of teachers"
    paper = ""
    summary = (
        "The concatenated features of all models, compared with each class's mean. Nothing is "
        "trained; accurate, and as slow as all its models together."
    )
    needs_recovery = False
    draws_weights = False
    Config = TeacherEnsembleConfig
    config: TeacherEnsembleConfig

    def __init__(
        self, pool: Pool, config: TeacherEnsembleConfig, *, device: torch.device, seed: int
    ) -> None:
        if config.members == 1:
            raise InvalidSetting(
                "An ensemble has at least 2 members; use “best_teacher” for a single model."
            )
        super().__init__(_members(pool, config), config, device=device, seed=seed)

    @classmethod
    def needs_of(cls, pool: Pool, config: TeacherEnsembleConfig, device: torch.device) -> Needs:
        members = _members(pool, config)
        models = held_bytes(members, whole=True)
        # The learner holds a copy of each model, and saving it makes another.
        return Needs(models=models, held=models, passing=models, cached=cached_bytes(pool))

    @property
    def total_steps(self) -> int:
        return 1

    def step(self) -> StepReport:
        return self.report("assembly", {"members": float(len(self.pool))})

    def meta_learner(self) -> MetaLearner:
        # A new head is drawn before it is set to zero; that must not advance the generator.
        with torch.random.fork_rng(devices=[]):
            network = ensemble_of(self.pool)
        return MetaLearner(
            network.to(self.device),
            # Each member normalises its own input.
            mean=(0.0,) * self.pool.channels,
            std=(1.0,) * self.pool.channels,
            # The linear head is untrained, so an sgd head starts from the prototypes too.
            defaults=AdaptationSettings(head="prototypes", head_init="prototypes"),
            made_by=self.origin(),
            teachers=self.records(),
        )

    def copied_teachers(self) -> tuple[int, ...]:
        # All members; this pool contains only those that take part.
        return self.pool.places

    def parts(self) -> dict[str, Stateful]:
        return {}


def _members(pool: Pool, config: TeacherEnsembleConfig) -> Pool:
    return pool.part(range(len(pool))[: config.members or None])


def ensemble_of(pool: Pool) -> EnsembleNetwork:
    """Return the teachers' own networks as one, without copying."""
    members = [MemberSpec(t.network.spec, tuple(t.mean), tuple(t.std)) for t in pool.teachers]
    spec = EnsembleSpec.of(members, n_classes=pool.teachers[0].n_classes)
    return EnsembleNetwork(spec, [teacher.network for teacher in pool.teachers])
