"""Soup of relatives: the mean weights of models that were fine-tuned from the same weights.

Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves
accuracy without increasing inference time", equation 1 ("uniform soup"). Theirs were fine-tuned on
one task, these each on its own classes. The cosine between weights identifies relatives. A soup
needs no data, no images and no training. Weighting models by the square root of their number of
classes brought no gain on the pool “twelve shops” of seed 0.

The mean dilutes each model's knowledge of its own domain. The models with the most classes
therefore join the soup unchanged (ours, not the paper's): the cosine of two images is half the
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
        "height and width of its images; 0 is the training size of the architecture's published "
        "weights if it is known and the network accepts any size, or else the models' largest. Set "
        "it if the models were fine-tuned from other weights",
        low=0,
        high=512,
    )
    beside: int = setting(
        2,
        "number of unchanged models next to the soup, those with the most classes first; each adds "
        "its weights and one more pass per image. 0 leaves a single network",
        low=0,
        high=8,
    )
    n_way: int = setting(5, "classes of the fresh head", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("prototypes", "ridge", "sgd"))


class Soup(Algorithm):
    name = "soup"
    title = "Soup of relatives"
    paper = "https://arxiv.org/abs/2203.05482"
    summary = (
        "The mean weights of models fine-tuned from the same published weights, next to the models "
        "with the most classes: in seconds, without images or training."
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
        """Return the indices of the models with the most classes; ties keep the pool's order."""
        classes = {index: self.pool.teachers[index].n_classes for index in self.family}
        ordered = sorted(classes, key=lambda index: -classes[index])
        return ordered[: self.config.beside]

    def _joined(self) -> Network:
        if not self.beside:
            return self.start.network
        # The soup weighs as much as all other members together.
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
        # All relatives, their versions of one tensor at a time, the learner, and its copy.
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
        # The linear head is random.
        defaults = AdaptationSettings(head=self.config.head, head_init="prototypes")
        if not self.beside:
            start = self.start
            return self.finished(start.network, defaults, mean=start.mean, std=start.std)
        # Each member normalises its own input.
        n = self.pool.channels
        return self.finished(self.network, defaults, mean=(0.0,) * n, std=(1.0,) * n)

    def used_teachers(self) -> tuple[int, ...]:
        return self.copied_teachers()

    def copied_teachers(self) -> tuple[int, ...]:
        # The mean and all other models reveal a model's weights.
        return tuple(self.pool.places[index] for index in self.family)

    def parts(self) -> dict[str, Stateful]:
        return {"learner": self.network}
