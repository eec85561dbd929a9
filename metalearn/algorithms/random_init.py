"""Random initialisation: the baseline without any learning.

A freshly initialised network, adapted like any other meta-learner. What an algorithm adds to this
is what it has learned from the pool.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.learning.learner_settings import LearnerSettings
from metalearn.learning.learner_spec import learner_as_set
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, cached_bytes, held_bytes, network_of
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes
from metalearn.settings import setting


@dataclass(frozen=True)
class RandomInitConfig(LearnerSettings):
    """Settings of the random baseline."""

    n_way: int = setting(5, "classes the head starts with", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("sgd", "prototypes"))


class RandomInit(Algorithm):
    name = "random_init"
    title = "Random initialisation"
    paper = ""
    summary = "A network that has learned nothing: what every other method must beat."
    needs_recovery = False
    Config = RandomInitConfig
    config: RandomInitConfig

    def __init__(
        self, pool: Pool, config: RandomInitConfig, *, device: torch.device, seed: int
    ) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        self.learner = self.new_learner(learner_as_set(pool, config, n_classes=config.n_way))

    @classmethod
    def needs_of(cls, pool: Pool, config: RandomInitConfig, device: torch.device) -> Needs:
        learner = network_of(learner_as_set(pool, config, n_classes=config.n_way), device)
        size = network_bytes(learner)
        return Needs(
            models=held_bytes(pool), cached=cached_bytes(pool), held=2 * size, snapshot=size
        )

    @property
    def total_steps(self) -> int:
        return 1

    def step(self) -> StepReport:
        return self.report("initialisation")

    # No `copied_teachers`: the network has seen no teacher.
    def meta_learner(self) -> MetaLearner:
        return self.finished(self.learner, AdaptationSettings(head=self.config.head))

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.learner}
