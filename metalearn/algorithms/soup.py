"""A soup of relatives: the mean weights of models that were fine-tuned from the same ones.

Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves
accuracy without increasing inference time", equation 1 ("uniform soup"); theirs were fine-tuned on
one task, these each on classes of their own. The cosine between weights tells which models are
relatives. A soup needs no data, no pictures and no training. A say by the square root of the number
of classes was tried on the pool “twelve shops” of seed 0 and gains nothing.

The mean thins out what each model knows of its own domain. So the models that know most classes
stand beside the soup as they are (ours, not the paper's): the cosine of two pictures is half the
soup's, and half theirs together.
"""

from dataclasses import dataclass

import torch
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.merging.learner_start import LearnerStart, largest_family, start_from
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs, cached_bytes, held_bytes, largest_tensor
from metalearn.networks import (
    EnsembleNetwork,
    EnsembleSpec,
    MemberSpec,
    Network,
    get_architecture,
)
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes
from metalearn.settings import setting


@dataclass(frozen=True)
class SoupConfig:
    """Settings of the soup."""

    learner_image_size: int = setting(
        0,
        "height and width of its images; 0 takes the size that the architecture's published "
        "weights were trained with, where it is known and the network takes any, or the largest of "
        "the models. Set it where the models descend from other weights",
        low=0,
        high=512,
    )
    beside: int = setting(
        2,
        "models that stand beside the soup as they are, those that know most classes first; each "
        "costs its own weights and one more pass for every picture. 0 leaves one network",
        low=0,
        high=8,
    )
    n_way: int = setting(5, "classes of the fresh head", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("prototypes", "ridge", "sgd"))


class Soup(Algorithm):
    """One step, which takes the mean."""

    name = "soup"
    title = "Soup of relatives"
    paper = "https://arxiv.org/abs/2203.05482"
    summary = (
        "The mean weights of models that were fine-tuned from the same published ones, and beside "
        "it those that know most: in seconds, without a picture and without training."
    )
    needs_recovery = False
    draws_weights = False
    Config = SoupConfig
    config: SoupConfig

    def __init__(self, pool: Pool, config: SoupConfig, *, device: torch.device, seed: int) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        self.family = largest_family(pool)
        self.start = self._started(self.family)
        self.beside = tuple(self._started((index,)) for index in self._beside())
        self.network = self._joined().to(device)

    def _started(self, copied: tuple[int, ...]) -> LearnerStart:
        return start_from(
            self.pool,
            copied,
            n_classes=self.config.n_way,
            image_size=self._image_size,
            rng=self.rng,
        )

    @property
    def _image_size(self) -> int:
        if self.config.learner_image_size:
            return self.config.learner_image_size
        members = [self.pool.teachers[index] for index in self.family]
        largest = max(member.image_size for member in members)
        kind = get_architecture(members[0].spec.architecture)
        return max(largest, kind.published_image_size)

    def _beside(self) -> list[int]:
        """Indices of the models that know most classes; of as many, the first of the pool."""
        classes = {index: self.pool.teachers[index].n_classes for index in self.family}
        ordered = sorted(classes, key=lambda index: -classes[index])
        return ordered[: self.config.beside]

    def _joined(self) -> Network:
        if not self.beside:
            return self.start.network
        # The soup counts as much as all beside it together.
        says = [float(len(self.beside)), *(1.0 for _ in self.beside)]
        starts = [self.start, *self.beside]
        members = [
            MemberSpec(start.network.spec, start.mean, start.std, say)
            for start, say in zip(starts, says, strict=True)
        ]
        spec = EnsembleSpec.of(members, n_classes=self.config.n_way)
        with seeded_from(self.rng):
            return EnsembleNetwork(spec, [start.network for start in starts])

    @classmethod
    def needs_of(cls, pool: Pool, config: SoupConfig, device: torch.device) -> Needs:
        relatives = pool.part(largest_family(pool))
        learner = relatives.teachers[0].network
        size = network_bytes(learner)
        made = size * (1 + min(config.beside, len(relatives)))
        # All relatives at once; of each tensor theirs side by side; the learner, and its copy.
        return Needs(
            models=held_bytes(relatives, whole=True),
            held=2 * made,
            passing=largest_tensor(learner) * len(relatives) + size,
            cached=cached_bytes(pool),
            snapshot=made,
        )

    @property
    def total_steps(self) -> int:
        return 1

    def step(self) -> StepReport:
        return self.report("average", {"models": float(len(self.family))})

    def meta_learner(self) -> MetaLearner:
        # A head of its own would be random.
        defaults = AdaptationSettings(head=self.config.head, head_init="prototypes")
        if not self.beside:
            start = self.start
            return self.finished(start.network, defaults, mean=start.mean, std=start.std)
        # Each member normalises for itself.
        n = self.pool.channels
        return self.finished(self.network, defaults, mean=(0.0,) * n, std=(1.0,) * n)

    def used_teachers(self) -> tuple[int, ...]:
        return self.copied_teachers()

    def copied_teachers(self) -> tuple[int, ...]:
        # With all models but one, the last one's weights follow from the mean.
        return tuple(self.pool.places[index] for index in self.family)

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.network}
