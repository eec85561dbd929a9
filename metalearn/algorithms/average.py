"""The average of teachers: every weight is the mean of that weight over models of one kind.

A baseline of the data-free meta-learning papers ("Average"). Neurons of independently trained
models have no common order, so much is lost in the mean; `ota` puts them in order first. Averaged
batch-norm statistics do not suit averaged weights: such a learner is at its best as the papers
judge it, with the sgd head and transductive batch-norm at adaptation.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.fusion import FusionSettings, embedding_state, fusible, mean_state, same_heads
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.pool import Pool
from metalearn.repaired import RepairSettings, repaired


@dataclass(frozen=True)
class AverageConfig(RepairSettings, FusionSettings):
    """Settings of the baseline."""


class Average(Algorithm):
    """One step, which takes the mean."""

    name = "average"
    title = "Average of weights"
    paper = "https://arxiv.org/abs/2303.11183"
    summary = "The mean of the weights of models of one architecture, neuron by neuron as they lie."
    needs_recovery = False
    draws_weights = False
    Config = AverageConfig
    config: AverageConfig

    def __init__(
        self, pool: Pool, config: AverageConfig, *, device: torch.device, seed: int
    ) -> None:
        super().__init__(fusible(pool), config, device=device, seed=seed)
        averaged = config.heads == "averaged" and same_heads(self.pool.teachers)
        first = self.pool.teachers[0].network.spec
        self.learner = self.new_learner(
            architecture=first.architecture,
            width=first.width,
            image_size=0,
            n_classes=first.n_classes if averaged else config.n_way,
        )
        self.averages_heads = averaged

    @property
    def total_steps(self) -> int:
        return 1

    def step(self) -> StepReport:
        networks = [teacher.network for teacher in self.pool.teachers]
        if self.averages_heads:
            mean = mean_state([network.state_dict() for network in networks])
        else:
            mean = mean_state([embedding_state(network) for network in networks])
        self.learner.load_state_dict(self.learner.state_dict() | mean)
        return self.report("average", {"models": float(len(networks))})

    def meta_learner(self) -> MetaLearner:
        learner = self.finished(self.learner, AdaptationSettings(head=self.config.head))
        return repaired(learner, self.pool, self.config, self.seed)

    def copied_teachers(self) -> tuple[int, ...]:
        # With all models but one, the last one's weights follow from the mean.
        return self.pool.places

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.learner}
