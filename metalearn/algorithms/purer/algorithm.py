"""PURER's outer step: shape the images, learn on episodes of them, watch the learner."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.algorithms.purer.config import PurerConfig
from metalearn.algorithms.purer.curriculum import Curriculum
from metalearn.algorithms.purer.drawn_classes import DrawnClasses, draw_classes
from metalearn.algorithms.purer.images import LearnableImages
from metalearn.algorithms.purer.inversion import TeacherLoss, inversion_loss, total
from metalearn.algorithms.purer.needs import SMALLER, needs_of_purer
from metalearn.algorithms.purer.sizes import (
    check_episode,
    check_room,
    learner_spec,
    most_classes,
    picture_pixels,
)
from metalearn.errors import InvalidPool
from metalearn.learning.replay import EpisodeLoss
from metalearn.merging.fusion import embedding_state, fits, mean_state
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs
from metalearn.networks import Network
from metalearn.networks.batchnorm import reestimate_statistics
from metalearn.numerics.episode import Episode
from metalearn.numerics.gradients import set_gradients
from metalearn.numerics.optimisers import OptimiserState
from metalearn.numerics.precision import autocast
from metalearn.numerics.preparation import resized, statistics_batch
from metalearn.pool import Pool, Teacher
from metalearn.recovery.inversion import TeacherTask, about_statistics
from metalearn.recovery.teacher_pass import Limits


class Purer(Algorithm):
    name = "purer"
    title = "PURER"
    paper = "https://arxiv.org/abs/2303.11183"
    summary = (
        "Images of every class are learned from all models at once, and made harder whenever the "
        "learner that trains on them stops improving."
    )
    Config = PurerConfig
    smaller = SMALLER
    config: PurerConfig

    def __init__(self, pool: Pool, config: PurerConfig, *, device: torch.device, seed: int) -> None:
        check_episode(config)
        pool = pool.with_enough_classes(config.n_way, merge=config.merge_classes)
        super().__init__(pool, config, device=device, seed=seed)
        self.learner = self._new_learner().train()
        self.classes = self._drawn_classes()
        self.images = self._new_images()
        self.curriculum = Curriculum(config.patience)
        self.image_optimiser = torch.optim.Adam(
            self.images.parameters(), lr=config.image_lr, fused=True
        )
        self.learner_optimiser = torch.optim.Adam(
            self.learner.parameters(), lr=config.outer_lr, fused=True
        )

    @classmethod
    def needs_of(cls, pool: Pool, config: PurerConfig, device: torch.device) -> Needs:
        return needs_of_purer(pool, config, device)

    def _new_learner(self) -> Network:
        learner = self.new_learner(learner_spec(self.pool, self.config))
        if self.config.initialisation == "average" or self._starts_from(learner):
            start = _average(self.pool, learner)
            learner.load_state_dict(learner.state_dict() | start)
        return learner

    def _starts_from(self, learner: Network) -> list[Teacher]:
        alike = [] if self.config.initialisation == "random" else fits(self.pool, learner)
        return alike if len(alike) > 1 else []

    @property
    def _size(self) -> tuple[int, int]:
        return self.pool.channels, picture_pixels(self.config, self.learner.spec)

    def _drawn_classes(self) -> DrawnClasses:
        config = self.config
        check_room(config, self._size)
        most = most_classes(config, self._size)
        return draw_classes(self.pool, most, merge=config.merge_classes, rng=self.rng)

    def _new_images(self) -> LearnableImages:
        config, pool = self.config, self.pool
        images = LearnableImages(
            self.classes.names,
            per_class=config.images_per_class,
            size=self._size,
            normalisation=(pool.mean, pool.std),
            rng=self.rng,
        )
        return images.to(self.device)

    def notices(self) -> list[str]:
        known = about_statistics(self.pool) if self.config.batchnorm_weight else []
        if self.config.initialisation == "where_possible" and not self._starts_from(self.learner):
            known.append(
                "No two models of this pool have the learner's architecture and width, so it "
                "starts from random weights instead of their mean."
            )
        return known

    @property
    def total_steps(self) -> int:
        return self.config.outer_steps

    def step(self) -> StepReport:
        losses, metrics = self.shape_images(harder=self.curriculum.take())
        metrics |= self.learn()
        if self.config.curriculum_weight and self.steps_done >= self.config.curriculum_start:
            self.curriculum.watch(metrics["accuracy"])
        return self.report("meta-training", metrics, recovered=self._as_episode(losses[0]))

    def shape_images(self, *, harder: bool) -> tuple[list[TeacherLoss], dict[str, float]]:
        """Step the images towards the teachers, and against the learner if `harder`."""
        tasks = self._tasks()
        # All teachers' activations are kept until the joint gradient is computed.
        limits = Limits(self.config.teacher_mb * 2**20 // len(tasks), self.config.precision)
        losses = [
            inversion_loss(task, self.images, self.config, limits=limits, rng=self.rng)
            for task in tasks
        ]
        objective = total([each.loss for each in losses], self.config.teacher_weights)
        metrics = _means_over(losses) | {"harder": float(harder)}
        if harder:
            outer = self.episode_loss(self._episode())
            objective = objective - self.config.curriculum_weight * outer.loss
            metrics["outer_loss"] = float(outer.loss.detach())
        pixels = list(self.images.parameters())
        # None, and hence no change, for classes that no sampled teacher knows.
        set_gradients(pixels, torch.autograd.grad(objective, pixels, allow_unused=True))
        self.image_optimiser.step()
        return losses, metrics

    def _tasks(self) -> list[TeacherTask]:
        places = self.classes.places
        n = self.config.teachers_per_step or len(places)
        order = torch.randperm(len(places), generator=self.rng)[:n].tolist()
        return [self._task(places[index]) for index in order]

    def _task(self, place: int) -> TeacherTask:
        known = self.classes.of_teacher[place]
        return TeacherTask.sample(self.pool.teachers[place], self.config.n_way, self.rng, known)

    def _episode(self) -> Episode:
        config = self.config
        return self.images.episode(
            n_way=config.n_way, k_shot=config.k_shot, n_query=config.n_query, rng=self.rng
        )

    def learn(self) -> dict[str, float]:
        with torch.no_grad():
            drawn = [self._episode() for _ in range(self.config.episodes_per_step)]
            episodes = [self._augmented(episode) for episode in drawn]
        self.learner_optimiser.zero_grad()
        enlarged = [self._enlarged(episode) for episode in episodes]
        result = self.config.replay.backward(self.learner, enlarged)
        self.learner_optimiser.step()
        return {"learning": float(result.loss), "accuracy": result.accuracy}

    def _augmented(self, episode: Episode) -> Episode:
        if not self.config.augmentation:
            return episode
        support, query = (
            self.images.changed(images, strength=self.config.augmentation, rng=self.rng)
            for images in (episode.support_images, episode.query_images)
        )
        return replace(episode, support_images=support, query_images=query)

    def episode_loss(self, episode: Episode) -> EpisodeLoss:
        """Return the learner's outer loss, differentiable in its weights and in the images."""
        return self.config.replay.loss(self.learner, [self._enlarged(episode)])

    def _enlarged(self, episode: Episode) -> Episode:
        size = self.learner.spec.image_size
        support, query = (
            resized(images, size) for images in (episode.support_images, episode.query_images)
        )
        return replace(episode, support_images=support, query_images=query)

    def meta_learner(self) -> MetaLearner:
        config = self.config
        prototypes = config.meta_learner == "protonet"
        defaults = AdaptationSettings(
            head="prototypes" if prototypes else "sgd",
            # As in training; with fixed statistics, inner steps can diverge.
            batchnorm="inductive" if prototypes else "transductive",
            inner_steps=config.inner_steps,  # the same as in training, as in the paper
            inner_lr=config.inner_lr,
            temperature=config.temperature,
            calibrate=config.calibrate,
        )
        learner = self.finished(self.learner, defaults)
        if self.steps_done:
            size = self.learner.spec.image_size
            batches = self.images.mixed(statistics_batch(size))
            with autocast("fp32", self.device):
                reestimate_statistics(learner.network, (resized(one, size) for one in batches))
        return learner

    def copied_teachers(self) -> tuple[int, ...]:
        # After few steps or with a low rate the learner is still close to the mean it started
        # from, and an untrained head is the mean itself. A random start copies none.
        averaged = {id(teacher) for teacher in self._starts_from(self.learner)}
        rows = zip(self.pool.places, self.pool.teachers, strict=True)
        return tuple(place for place, teacher in rows if id(teacher) in averaged)

    def parts(self) -> dict[str, Stateful]:
        return {
            "images": self.images,
            "image_optimiser": OptimiserState(self.image_optimiser),
            "learner": self.learner,
            "learner_optimiser": OptimiserState(self.learner_optimiser),
            "curriculum": self.curriculum,
        }

    def _as_episode(self, shaped: TeacherLoss) -> Episode:
        support = int(shaped.labels.max() + 1) * self.config.k_shot
        images, labels = shaped.images.cpu(), shaped.labels.cpu()
        return Episode(images[:support], labels[:support], images[support:], labels[support:])


def _average(pool: Pool, learner: Network) -> dict[str, Tensor]:
    teachers = fits(pool, learner)
    if len(teachers) < 2:
        raise InvalidPool(
            "The learner cannot start from an average, as no two models of this pool have its "
            "architecture and width; choose those of the pool's models, or initialisation=random."
        )
    networks = [teacher.network for teacher in teachers]
    shapes = {tuple(network.output_layer.weight.shape) for network in [*networks, learner]}
    if len(shapes) == 1:
        return mean_state([network.state_dict() for network in networks])
    return mean_state([embedding_state(network) for network in networks])


def _means_over(losses: list[TeacherLoss]) -> dict[str, float]:
    terms = [each.terms | {"teacher_accuracy": each.accuracy} for each in losses]
    return {name: sum(row[name] for row in terms) / len(terms) for name in terms[0]}
