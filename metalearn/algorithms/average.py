"""Average of teachers: every weight is the mean of that weight over models of one kind.

A baseline of the data-free meta-learning papers ("Average"). Neurons of independently trained
models have no common order, so the mean loses much; `ota` aligns them first. Averaged batch-norm
statistics do not match averaged weights. Such a learner does best as the papers evaluate it, with
the sgd head and transductive batch-norm at adaptation.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.merging.batchnorm_repair import RepairSettings, repaired, repairing
from metalearn.merging.fusion import (
    FusionSettings,
    averages_heads,
    embedding_state,
    fused_spec,
    fusible,
    mean_state,
)
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import (
    Needs,
    cached_bytes,
    held_bytes,
    largest_tensor,
    most_taken,
    network_of,
)
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes


@dataclass(frozen=True)
class AverageConfig(RepairSettings, FusionSettings):
    """Settings of the weight average."""


class Average(Algorithm):
    name = "average"
    title = "Average of weights"
    paper = "https://arxiv.org/abs/2303.11183"
    summary = "The mean of the weights of models of one architecture, without neuron alignment."
    needs_recovery = False
    draws_weights = False
    Config = AverageConfig
    config: AverageConfig

    def __init__(
        self, pool: Pool, config: AverageConfig, *, device: torch.device, seed: int
    ) -> None:
        super().__init__(fusible(pool), config, device=device, seed=seed)
        self.averages_heads = averages_heads(self.pool, config)
        self.learner = self.new_learner(fused_spec(self.pool, config))

    @classmethod
    def needs_of(cls, pool: Pool, config: AverageConfig, device: torch.device) -> Needs:
        pool = fusible(pool)
        learner = network_of(fused_spec(pool, config), device)
        work = tuple(repairing(pool, config, learner))
        size = network_bytes(learner)
        # The learner and its mean, and all models' versions of one tensor at a time.
        return Needs(
            models=held_bytes(pool, whole=True),
            held=2 * size,
            passing=max(largest_tensor(learner) * len(pool) + size, most_taken(work)),
            cached=cached_bytes(pool),
            snapshot=size,
            work=work,
        )

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
        # The mean and all other models reveal a model's weights.
        return self.pool.places

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.learner}
