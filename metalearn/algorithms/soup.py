"""A soup of relatives: the mean weights of models that were fine-tuned from the same ones.

Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves
accuracy without increasing inference time", equation 1 ("uniform soup"); theirs were fine-tuned on
one task, these each on classes of their own. The cosine between weights tells which models are
relatives. A soup needs no data, no pictures and no training, and is one network of the size of one
model. A say by the square root of the number of classes was tried on the pool “twelve shops” of
seed 0 and gains nothing.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.learner_settings import RELATIVES
from metalearn.learner_start import largest_family, start_of_pool
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, held_bytes, largest_tensor, shelved_bytes
from metalearn.pool import Pool
from metalearn.settings import setting
from metalearn.shelf import network_bytes


@dataclass(frozen=True)
class SoupConfig:
    """Settings of the soup."""

    learner_image_size: int = setting(
        0,
        "height and width of the learner's images; 0 takes the largest of the models it is made "
        "of. A convolutional network may well see more at a larger size than it was tuned at",
        low=0,
        high=512,
    )
    n_way: int = setting(5, "classes of the fresh head", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("prototypes", "ridge", "sgd"))


class Soup(Algorithm):
    """One step, which takes the mean."""

    name = "soup"
    title = "Soup of relatives"
    paper = "https://arxiv.org/abs/2203.05482"
    summary = (
        "The mean weights of models that were fine-tuned from the same published ones: one network "
        "that knows a little of what each of them knows."
    )
    needs_recovery = False
    draws_weights = False
    Config = SoupConfig
    config: SoupConfig

    def __init__(self, pool: Pool, config: SoupConfig, *, device: torch.device, seed: int) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        self.start = start_of_pool(
            pool,
            RELATIVES,
            n_classes=config.n_way,
            image_size=config.learner_image_size,
            rng=self.rng,
        )
        self.start.network.to(device)

    @classmethod
    def needs_of(cls, pool: Pool, config: SoupConfig, device: torch.device) -> Needs:
        relatives = pool.part(largest_family(pool))
        learner = relatives.teachers[0].network
        size = network_bytes(learner)
        # All relatives at once; of each tensor theirs side by side; the mean, and its copy.
        return Needs(
            models=held_bytes(relatives, whole=True),
            held=2 * size,
            passing=largest_tensor(learner) * len(relatives) + size,
            shelved=shelved_bytes(pool),
            snapshot=size,
        )

    @property
    def total_steps(self) -> int:
        return 1

    def step(self) -> StepReport:
        return self.report("average", {"models": float(len(self.start.copied))})

    def meta_learner(self) -> MetaLearner:
        # A head of its own would be random.
        defaults = AdaptationSettings(head=self.config.head, head_init="prototypes")
        start = self.start
        return self.finished(start.network, defaults, mean=start.mean, std=start.std)

    def used_teachers(self) -> tuple[int, ...]:
        return self.copied_teachers()

    def copied_teachers(self) -> tuple[int, ...]:
        # With all models but one, the last one's weights follow from the mean.
        return tuple(self.pool.places[index] for index in self.start.copied)

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.start.network}
