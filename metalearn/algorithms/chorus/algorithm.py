"""Chorus's outer step: draw images, query the pool and update the learner."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.algorithms.chorus.config import ChorusConfig
from metalearn.algorithms.chorus.folder_pictures import FolderPictures
from metalearn.algorithms.chorus.geometry import PoolGeometry, embedded, similarity_loss
from metalearn.algorithms.chorus.needs import SMALLER, needs_of_chorus
from metalearn.algorithms.chorus.picture_memory import PictureMemory
from metalearn.algorithms.chorus.sizes import (
    first_pictures,
    memory_capacity,
    optimisers_of,
    pixels,
    portions,
)
from metalearn.datasets import read_own_pictures
from metalearn.errors import InvalidSetting
from metalearn.learning.learner_settings import RANDOM
from metalearn.learning.learner_spec import learner_as_set
from metalearn.merging.learner_start import LearnerStart, start_of_pool
from metalearn.meta_learner import OPERATOR_PICTURES, AdaptationSettings, MetaLearner
from metalearn.needs import Needs
from metalearn.networks.batchnorm import reestimate_statistics
from metalearn.numerics.augmentation import crop_some, mirror_some
from metalearn.numerics.precision import on_device
from metalearn.numerics.preparation import prepare_images, resized
from metalearn.pool import Pool
from metalearn.procedural import draw_pictures
from metalearn.shapes import Images

WARM_UP = 0.05


class Chorus(Algorithm):
    name = "chorus"
    title = "Chorus"
    paper = ""
    summary = (
        "Our own method: one small network learns from synthetic pictures which of them the models "
        "jointly find similar. Recovers no image."
    )
    needs_recovery = False
    Config = ChorusConfig
    smaller = SMALLER
    config: ChorusConfig

    def __init__(
        self, pool: Pool, config: ChorusConfig, *, device: torch.device, seed: int
    ) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        begun = self._begun()
        self.mean, self.std = begun.mean, begun.std
        self.copied = begun.copied
        self.learner = begun.network
        self.optimisers = optimisers_of(self.learner, self.config)
        self.geometry = PoolGeometry(
            self.pool,
            components=config.components,
            whitening=config.whitening,
            weighting=config.weighting,
            mirror=config.mirror,
            precision=config.precision,
        )
        self.picture_size, self.kept_size = pixels(self.pool, self.learner.spec)
        capacity = memory_capacity(config, self.pool.channels, self.kept_size)
        self.memory = PictureMemory(capacity)
        self.own: FolderPictures | None = None

    @classmethod
    def needs_of(cls, pool: Pool, config: ChorusConfig, device: torch.device) -> Needs:
        return needs_of_chorus(pool, config, device)

    def _begun(self) -> LearnerStart:
        if self.config.learner_start == RANDOM:
            spec = learner_as_set(self.pool, self.config, n_classes=self.config.n_way)
            learner = self.new_learner(spec)
            return LearnerStart(learner, self.pool.mean, self.pool.std, ())
        begun = start_of_pool(
            self.pool,
            self.config.learner_start,
            n_classes=self.config.n_way,
            image_size=self.config.learner_image_size,
            rng=self.rng,
        )
        on_device(begun.network, self.device)
        return begun

    @property
    def measures_statistics(self) -> bool:
        """Whether batch-norm takes its statistics from drawn images.

        A learner that starts from a model's weights keeps that model's statistics of real images.
        """
        return self.config.learner_start == RANDOM

    @property
    def total_steps(self) -> int:
        return 1 + self.config.outer_steps

    def step(self) -> StepReport:
        if not self.geometry.fitted:
            return self.listen()
        similarity = self.draw()
        loss = self.learn()
        return self.report("learning", {"loss": loss, "similarity_on_new_pictures": similarity})

    def listen(self) -> StepReport:
        """Fit the pool's components to the first images, which also start the memory."""
        images, own = self._new_pictures(first_pictures(self.memory.capacity))
        self._keep(images, self.geometry.fit(images, self.rng), own)
        return self.report("listening")

    def take_pictures(self, folder: Path) -> list[str]:
        if not self.wants_pictures:
            raise InvalidSetting("Set own_pictures to true to learn from pictures of a folder.")
        read = read_own_pictures(
            folder,
            channels=self.pool.channels,
            size=self.picture_size,
            most=self.config.most_own,
        )
        self.own = FolderPictures(read)
        return self.own.notices()

    def draw(self) -> float:
        """Add new images and return the learner's correlation with the pool on them (1 at best).

        The learner has not seen these images, so this measures generalisation.
        """
        images, own = self._new_pictures(self.config.pictures_per_step)
        coordinates = self.geometry.coordinates(images)
        self._keep(images, coordinates, own)
        some = slice(self.config.batch_size)
        self.learner.eval()
        with torch.no_grad():
            loss = similarity_loss(self._features(images[some]), coordinates[some])
        return 1 - float(loss)

    def learn(self) -> float:
        losses = []
        self.learner.train(self.measures_statistics)
        for update in range(self.config.updates_per_step):
            self._set_rate(update)
            images, coordinates = self.memory.sample(self.config.batch_size, self.rng)
            images = self._changed(images.to(self.device).float() / 255)
            loss = similarity_loss(self._features(images), coordinates.to(self.device))
            self.learner.zero_grad()
            torch.autograd.backward(loss)
            self.optimisers.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def copied_teachers(self) -> tuple[int, ...]:
        # A randomly initialised learner sees only the teachers' features.
        return tuple(self.pool.places[index] for index in self.copied)

    def meta_learner(self) -> MetaLearner:
        # The linear head is untrained, so an sgd head starts from the prototypes too.
        defaults = AdaptationSettings(head=self.config.head, head_init="prototypes")
        learner = self.finished(self.learner, defaults, mean=self.mean, std=self.std)
        if self.memory.n_images and self.measures_statistics:
            # The running statistics lag behind the weights.
            recent = self.memory.recent(16 * self.config.batch_size).to(self.device)
            batches = torch.split(recent, self.config.batch_size)
            prepared = (self._prepared(batch.float() / 255) for batch in batches)
            reestimate_statistics(learner.network, prepared)
        return learner

    def parts(self) -> dict[str, Stateful]:
        # First, because the rest must not be loaded if the folder has changed.
        own: dict[str, Stateful] = {"own_pictures": self.own} if self.own else {}
        return own | {
            "learner": self.learner,
            **self.optimisers.parts(),
            "geometry": self.geometry,
            "memory": self.memory,
        }

    def origin(self) -> dict[str, object]:
        told = {OPERATOR_PICTURES: len(self.own)} if self.own else {}
        return super().origin() | told

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if own := self.own:
            self.memory.put_back(lambda numbers: own.kept(numbers, self.kept_size))

    def _new_pictures(self, n: int) -> tuple[Images, Tensor | None]:
        """Return images in [0, 1], and their indices in the folder (-1 if drawn), if any."""
        if not self.wants_pictures:
            return self._drawn(n), None
        if self.own is None:
            raise InvalidSetting(
                "own_pictures is true but no folder was given; give one, or set "
                "own_pictures to false."
            )
        n_own = min(n, max(1, round(n * self.config.own_share)))
        numbers = torch.full((n,), -1)
        numbers[:n_own] = torch.randint(len(self.own), (n_own,), generator=self.rng)
        images = self.own.shown(numbers[:n_own]).to(self.device)
        if n_own < n:
            images = torch.cat([images, self._drawn(n - n_own)])
        order = torch.randperm(n, generator=self.rng)
        return images[order.to(self.device)], numbers[order]

    def _drawn(self, n: int) -> Images:
        chunks = [
            draw_pictures(
                size,
                size=self.picture_size,
                mean=self.pool.mean,
                std=self.pool.std,
                rng=self.rng,
                kind=self.config.pictures,
            )
            for size in portions(n, self.picture_size)
        ]
        # Rounded as in the memory, so that teachers and learner see the same images.
        return ((torch.cat(chunks) * 255).round() / 255).to(self.device)

    def _keep(self, images: Images, coordinates: Tensor, own: Tensor | None) -> None:
        self.memory.add(resized(images, self.kept_size), coordinates, own)

    def _changed(self, images: Images) -> Images:
        """Augment images for the learner, whose targets remain those of the whole image."""
        config = self.config
        if config.crops:
            return crop_some(images, strength=config.crops, mirror=config.mirror, rng=self.rng)
        return mirror_some(images, rng=self.rng) if config.mirror else images

    def _prepared(self, images: Images) -> Tensor:
        return prepare_images(
            images, size=self.learner.spec.image_size, mean=self.mean, std=self.std
        )

    def _features(self, images: Images) -> Tensor:
        return embedded(self.learner, self._prepared(images), self.config.precision)

    def _set_rate(self, update: int) -> None:
        done = (self.steps_done - 1) * self.config.updates_per_step + update
        share = (done + 1) / (self.config.outer_steps * self.config.updates_per_step)
        falling = 0.5 * (1 + math.cos(math.pi * max(0.0, share - WARM_UP) / (1 - WARM_UP)))
        self.optimisers.set_rate_share(min(share / WARM_UP, falling, 1.0))
