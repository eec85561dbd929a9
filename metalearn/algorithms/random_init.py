"""Random initialisation: the baseline that knows nothing.

A freshly initialised network, to be adapted as any other meta-learner. What an algorithm adds
to this is what it has learned from the pool.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.pool import Pool
from metalearn.settings import setting


@dataclass(frozen=True)
class RandomInitConfig:
    """Settings of the baseline."""

    n_way: int = setting(5, "classes the head starts with", low=2, high=20)
    learner: str = setting("conv4", "architecture", choices=("conv4", "resnet10"))
    learner_width: int = setting(
        0, "channels of its first layer; 0 takes the architecture's usual width", low=0, high=512
    )
    learner_image_size: int = setting(
        0, "height and width of its images; 0 takes the largest of the pool", low=0, high=256
    )
    head: str = setting("prototypes", "head at adaptation", choices=("sgd", "prototypes"))


class RandomInit(Algorithm):
    """One step that changes nothing."""

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
        self.learner = self.new_learner(
            architecture=config.learner,
            width=config.learner_width,
            image_size=config.learner_image_size,
            n_classes=config.n_way,
        )

    @property
    def total_steps(self) -> int:
        return 1

    def step(self) -> StepReport:
        return self.report("initialisation")

    def meta_learner(self) -> MetaLearner:
        return self.finished(self.learner, AdaptationSettings(head=self.config.head))

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.learner}
