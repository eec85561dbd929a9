"""Chorus: one small network that finds alike what the whole pool together finds alike.

Our own method. Labels of a teacher say little about classes that nobody has seen; its features
say more, and the features of all teachers side by side say most. Chorus teaches a learner the
ensemble's similarities, not its coordinates: for each picture of a batch, the learner's cosine
similarities to all others shall correlate with the pool's. So teachers of any architecture, input
size and class count fit together, and the learner's features are trained for exactly the
comparison that the prototype head will make.

The pictures are drawn by rule and recovered from nobody, so no owner's consent to recovery is
needed. They come in a stream: each outer step draws new ones, asks every teacher once, and
replaces the oldest in a bounded memory from which the learner's batches are taken.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.augmentation import mirror_some
from metalearn.batchnorm import reestimate_statistics
from metalearn.geometry import PoolGeometry, embedded, similarity_loss
from metalearn.learner_settings import RANDOM, StartedLearnerSettings
from metalearn.learner_start import LearnerStart, start_of_pool
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.paced import PacedOptimisers
from metalearn.picture_memory import PictureMemory
from metalearn.pictures import KINDS, draw_pictures
from metalearn.pool import Pool
from metalearn.precision import CHOICES, on_device
from metalearn.preparation import MOST_PIXELS, prepare_images
from metalearn.settings import setting
from metalearn.shapes import Images

MOST_BYTES = 250_000_000
"""What the memory of pictures may take, and a snapshot with it."""
WARM_UP = 0.05
"""Share of all updates in which the learning rate rises to its full height."""


@dataclass(frozen=True)
class ChorusConfig(StartedLearnerSettings):
    """Settings of Chorus. The defaults take about 25 minutes of one core for 100 Conv4."""

    outer_steps: int = setting(
        100, "outer steps, each of new pictures and updates of the learner", low=1, high=100_000
    )
    pictures_per_step: int = setting(
        512, "pictures drawn in one step and shown to every teacher", low=32, high=16_384
    )
    pictures: str = setting(
        "mixed",
        "what is drawn: dead leaves, made-up objects, noise through random networks, or all of "
        "these, with regions of one in another",
        choices=KINDS,
    )
    memory: int = setting(
        16_384,
        "most recent pictures that are kept to learn from; as many are drawn at the start, at "
        "most 4,096, to find the components",
        low=64,
        high=262_144,
    )
    updates_per_step: int = setting(40, "updates of the learner in one step", low=1, high=10_000)
    batch_size: int = setting(256, "pictures of one update", low=8, high=4_096)
    components: int = setting(
        512, "principal components kept of the pool's features", low=2, high=4_096
    )
    whitening: float = setting(
        0.5,
        "0 keeps the ensemble's similarities as they are, 1 gives all components the same weight; "
        "in between, what brightness and colour say does not drown the rest",
        low=0.0,
        high=1.0,
    )
    weighting: float = setting(
        3.0,
        "0 gives every model the same say; more gives less to those whose features fill few "
        "dimensions beside others of their kind, as those of poor models do",
        low=0.0,
        high=10.0,
    )
    mirror: bool = setting(
        True,
        "a picture and its mirror image count as the same: the pool is asked about both, and the "
        "learner sees either; off where left and right differ, as in writing",
    )
    outer_lr: float = setting(
        0.1,
        "highest learning rate of kernels, by Muon; rises, then falls along a half cosine",
        low=1e-6,
        high=1.0,
    )
    vector_lr: float = setting(
        0.01,
        "highest learning rate of scales, shifts and biases, by Adam; goes with the other",
        low=1e-6,
        high=1.0,
    )
    tuning_lr: float = setting(
        2e-4,
        "highest learning rate, by Adam, of all weights of a learner that begins with a model's",
        low=1e-7,
        high=1.0,
    )
    n_way: int = setting(5, "classes the head starts with", low=2, high=20)
    head: str = setting("prototypes", "head at adaptation", choices=("prototypes", "sgd"))
    precision: str = setting(
        "auto",
        "number format of the layers; auto takes bf16 where the machine has it in hardware",
        choices=CHOICES,
    )


class Chorus(Algorithm):
    """Chorus, as the module's docstring describes it."""

    name = "chorus"
    title = "Chorus"
    paper = ""
    summary = (
        "Our own method: one small network learns from pictures drawn by rule which of them all "
        "models together find alike. Recovers no image."
    )
    needs_recovery = False
    Config = ChorusConfig
    config: ChorusConfig

    def __init__(
        self, pool: Pool, config: ChorusConfig, *, device: torch.device, seed: int
    ) -> None:
        super().__init__(pool, config, device=device, seed=seed)
        begun = self._begun()
        self.mean, self.std = begun.mean, begun.std
        self.copied = begun.copied
        self.learner = begun.network
        self.optimisers = self._optimisers()
        self.geometry = PoolGeometry(
            self.pool,
            components=config.components,
            whitening=config.whitening,
            weighting=config.weighting,
            mirror=config.mirror,
            precision=config.precision,
        )
        self.picture_size = min(self.pool.image_size, MOST_PIXELS)
        self.kept_size = min(self.picture_size, self.learner.spec.image_size)
        kept_bytes = self.pool.channels * self.kept_size**2
        self.memory = PictureMemory(max(64, min(config.memory, MOST_BYTES // kept_bytes)))

    def _begun(self) -> LearnerStart:
        if self.config.learner_start == RANDOM:
            learner = self.learner_as_set(self.config, n_classes=self.config.n_way)
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
        """Whether batch-norm takes its statistics from drawn pictures.

        A learner that begins with a model's weights keeps that model's, of real pictures.
        """
        return self.config.learner_start == RANDOM

    def _optimisers(self) -> PacedOptimisers:
        # A new head is made at adaptation and learns nothing here.
        learned = list(self.learner.parameters())
        if self.config.learner_start != RANDOM:
            # Muon turns every direction by the same amount, also those that know something.
            return PacedOptimisers((), learned, kernel_lr=0.0, other_lr=self.config.tuning_lr)
        return PacedOptimisers(
            (p for p in learned if p.ndim > 1),
            (p for p in learned if p.ndim < 2),
            kernel_lr=self.config.outer_lr,
            other_lr=self.config.vector_lr,
        )

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
        """Find the pool's components on the first pictures, and keep those to learn from."""
        images = self._new_pictures(min(self.memory.capacity, 4_096))
        self._keep(images, self.geometry.fit(images, self.rng))
        return self.report("listening")

    def draw(self) -> float:
        """Take in new pictures; how well the learner already knows them (correlation, 1 at best).

        It has not seen them, so this is no training error.
        """
        images = self._new_pictures(self.config.pictures_per_step)
        coordinates = self.geometry.coordinates(images)
        self._keep(images, coordinates)
        some = slice(self.config.batch_size)
        self.learner.eval()
        with torch.no_grad():
            loss = similarity_loss(self._features(images[some]), coordinates[some])
        return 1 - float(loss)

    def learn(self) -> float:
        """Updates of the learner from the memory; their mean loss."""
        losses = []
        self.learner.train(self.measures_statistics)
        for update in range(self.config.updates_per_step):
            self._set_rate(update)
            images, coordinates = self.memory.sample(self.config.batch_size, self.rng)
            images = images.to(self.device).float() / 255
            if self.config.mirror:
                images = mirror_some(images, rng=self.rng)
            loss = similarity_loss(self._features(images), coordinates.to(self.device))
            self.learner.zero_grad()
            torch.autograd.backward(loss)
            self.optimisers.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def copied_teachers(self) -> tuple[int, ...]:
        # A learner drawn at random sees the teachers' features alone.
        return tuple(self.pool.places[index] for index in self.copied)

    def meta_learner(self) -> MetaLearner:
        # The linear head learned nothing, so an sgd head starts from the prototypes as well.
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
        return {
            "learner": self.learner,
            **self.optimisers.parts(),
            "geometry": self.geometry,
            "memory": self.memory,
        }

    def _new_pictures(self, n: int) -> Images:
        chunks = [
            draw_pictures(
                size,
                size=self.picture_size,
                mean=self.pool.mean,
                std=self.pool.std,
                rng=self.rng,
                kind=self.config.pictures,
            )
            for size in _chunks(n, self.picture_size)
        ]
        # As the memory will give them back, so that teachers and learner see the same.
        return ((torch.cat(chunks) * 255).round() / 255).to(self.device)

    def _keep(self, images: Images, coordinates: Tensor) -> None:
        """Take pictures into the memory, at the learner's size where that is smaller."""
        if self.kept_size < self.picture_size:
            size = (self.kept_size, self.kept_size)
            images = F.interpolate(
                images, size, mode="bilinear", antialias=True, align_corners=False
            )
        self.memory.add(images, coordinates)

    def _prepared(self, images: Images) -> Tensor:
        return prepare_images(
            images, size=self.learner.spec.image_size, mean=self.mean, std=self.std
        )

    def _features(self, images: Images) -> Tensor:
        return embedded(self.learner, self._prepared(images), self.config.precision)

    def _set_rate(self, update: int) -> None:
        """Up in a line, then down along a half cosine; depends on the place in the run alone."""
        done = (self.steps_done - 1) * self.config.updates_per_step + update
        share = (done + 1) / (self.config.outer_steps * self.config.updates_per_step)
        falling = 0.5 * (1 + math.cos(math.pi * max(0.0, share - WARM_UP) / (1 - WARM_UP)))
        self.optimisers.pace(min(share / WARM_UP, falling, 1.0))


def _chunks(n: int, size: int) -> list[int]:
    """`n` pictures in portions that need a bounded amount of memory while they are drawn."""
    portion = max(16, 512 * 32**2 // size**2)
    return [portion] * (n // portion) + ([n % portion] if n % portion else [])
