"""PURER's outer step: shape the images, learn on episodes of them, watch the learner."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, OptimiserState, StepReport
from metalearn.algorithms.purer.config import PurerConfig
from metalearn.algorithms.purer.curriculum import Curriculum
from metalearn.algorithms.purer.images import LearnableImages, check_memory
from metalearn.algorithms.purer.inversion import TeacherLoss, inversion_loss, total
from metalearn.batchnorm import reestimate_statistics
from metalearn.episode import Episode
from metalearn.errors import InvalidPool, InvalidSetting
from metalearn.fusion import embedding_state, fits, mean_state
from metalearn.gradients import set_gradients
from metalearn.inner_loop import PureNetwork
from metalearn.inversion import TeacherTask
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import Network
from metalearn.pool import Pool, Teacher
from metalearn.precision import autocast
from metalearn.replay import EpisodeLoss, anil_loss, maml_loss, prototype_loss

STATISTICS_BATCH = 256


class Purer(Algorithm):
    """PURER, as the package's docstring describes it."""

    name = "purer"
    title = "PURER"
    paper = "https://arxiv.org/abs/2303.11183"
    summary = (
        "Images of every class are learned from all models at once, and made harder whenever the "
        "learner that learns on them has nothing new to find."
    )
    Config = PurerConfig
    config: PurerConfig

    def __init__(self, pool: Pool, config: PurerConfig, *, device: torch.device, seed: int) -> None:
        _check_episode(config)
        super().__init__(pool.with_enough_classes(config.n_way), config, device=device, seed=seed)
        self.learner = self._new_learner().train()
        self.images = self._new_images()
        self.curriculum = Curriculum(config.patience)
        self.image_optimiser = torch.optim.Adam(
            self.images.parameters(), lr=config.image_lr, fused=True
        )
        self.learner_optimiser = torch.optim.Adam(
            self.learner.parameters(), lr=config.outer_lr, fused=True
        )

    def _new_learner(self) -> Network:
        config = self.config
        learner = self.learner_as_set(config, n_classes=config.n_way)
        if config.initialisation == "average":
            start = _average(self.pool, learner)
            learner.load_state_dict(learner.state_dict() | start)
        return learner

    def _new_images(self) -> LearnableImages:
        config, pool = self.config, self.pool
        size = (pool.channels, self.learner.spec.image_size)
        names = {
            name
            for teacher in pool.teachers
            for name in _all_classes(teacher).memory_names(merge=config.merge_classes)
        }
        check_memory(len(names), config.images_per_class, size, config.memory_mb)
        images = LearnableImages(
            sorted(names),
            per_class=config.images_per_class,
            size=size,
            normalisation=(pool.mean, pool.std),
            rng=self.rng,
        )
        return images.to(self.device)

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
        """One step of the images: towards the teachers, and against the learner if `harder`."""
        losses = [
            inversion_loss(task, self.images, self.config, self.rng) for task in self._tasks()
        ]
        objective = total([each.loss for each in losses], self.config.teacher_weights)
        metrics = _means_over(losses) | {"harder": float(harder)}
        if harder:
            outer = self.episode_loss([self._episode()])
            objective = objective - self.config.curriculum_weight * outer.loss
            metrics["outer_loss"] = float(outer.loss.detach())
        pixels = list(self.images.parameters())
        # None for the classes that nobody was asked about, which then stay as they are.
        set_gradients(pixels, torch.autograd.grad(objective, pixels, allow_unused=True))
        self.image_optimiser.step()
        return losses, metrics

    def _tasks(self) -> list[TeacherTask]:
        n = self.config.teachers_per_step or len(self.pool)
        order = torch.randperm(len(self.pool), generator=self.rng)[:n].tolist()
        teachers = [self.pool.teachers[index] for index in order]
        return [TeacherTask.sample(t, self.config.n_way, self.rng) for t in teachers]

    def _episode(self) -> Episode:
        config = self.config
        return self.images.episode(
            n_way=config.n_way, k_shot=config.k_shot, n_query=config.n_query, rng=self.rng
        )

    def learn(self) -> dict[str, float]:
        """One step of the learner on a meta-batch of episodes."""
        with torch.no_grad():
            drawn = [self._episode() for _ in range(self.config.episodes_per_step)]
            episodes = [self._augmented(episode) for episode in drawn]
        self.learner_optimiser.zero_grad()
        result = self.episode_loss(episodes)
        torch.autograd.backward(result.loss)
        self.learner_optimiser.step()
        return {"learning": float(result.loss.detach()), "accuracy": result.accuracy}

    def _augmented(self, episode: Episode) -> Episode:
        """The episode with each image changed for itself, as the settings say."""
        if not self.config.augmentation:
            return episode
        support, query = (
            self.images.changed(images, strength=self.config.augmentation, rng=self.rng)
            for images in (episode.support_images, episode.query_images)
        )
        return replace(episode, support_images=support, query_images=query)

    def episode_loss(self, episodes: list[Episode]) -> EpisodeLoss:
        """The learner's outer loss, differentiable in its weights and in the episodes' images."""
        config = self.config
        if config.meta_learner == "protonet":
            with autocast(config.precision, self.device):
                return prototype_loss(self.learner, episodes, temperature=config.temperature)
        loss = maml_loss if config.meta_learner == "maml" else anil_loss
        pure = PureNetwork(self.learner, batchnorm="transductive", precision=config.precision)
        weights: dict[str, Tensor] = dict(self.learner.named_parameters())
        return loss(pure, weights, episodes, steps=config.inner_steps, lr=config.inner_lr)

    def meta_learner(self) -> MetaLearner:
        config = self.config
        defaults = AdaptationSettings(
            head="prototypes" if config.meta_learner == "protonet" else "sgd",
            inner_lr=config.inner_lr,
            temperature=config.temperature,
            calibrate=config.calibrate,
        )
        learner = self.finished(self.learner, defaults)
        if self.steps_done:
            with autocast("fp32", self.device):
                reestimate_statistics(learner.network, self.images.mixed(STATISTICS_BATCH))
        return learner

    def copied_teachers(self) -> tuple[int, ...]:
        # Few steps or a low rate leave the learner at the mean that it started from, and a head
        # that is not learned stays the mean. A random start holds none.
        if self.config.initialisation == "random":
            return ()
        averaged = {id(teacher) for teacher in fits(self.pool, self.learner)}
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
        """A teacher's images as an episode: the first ones of each class are the support set."""
        support = self.config.n_way * self.config.k_shot
        images, labels = shaped.images.cpu(), shaped.labels.cpu()
        return Episode(images[:support], labels[:support], images[support:], labels[support:])


def _all_classes(teacher: Teacher) -> TeacherTask:
    return TeacherTask(teacher, tuple(range(teacher.n_classes)))


def _check_episode(config: PurerConfig) -> None:
    if config.images_per_class < config.k_shot + config.n_query:
        raise InvalidSetting(
            f"An episode needs {config.k_shot + config.n_query} images of a class and there are "
            f"{config.images_per_class}; raise images_per_class or lower k_shot or n_query."
        )


def _average(pool: Pool, learner: Network) -> dict[str, Tensor]:
    """The mean of the teachers that have the learner's shapes, heads included if all have."""
    teachers = fits(pool, learner)
    if len(teachers) < 2:
        raise InvalidPool(
            "The learner cannot start from an average, as no two models of this pool have its "
            "architecture and width; choose these as the pool has them, or initialisation=random."
        )
    networks = [teacher.network for teacher in teachers]
    shapes = {tuple(network.head.weight.shape) for network in [*networks, learner]}
    if len(shapes) == 1:
        return mean_state([network.state_dict() for network in networks])
    return mean_state([embedding_state(network) for network in networks])


def _means_over(losses: list[TeacherLoss]) -> dict[str, float]:
    """Mean of each term over the teachers, and their mean accuracy on the images."""
    terms = [each.terms | {"teacher_accuracy": each.accuracy} for each in losses]
    return {name: sum(row[name] for row in terms) / len(terms) for name in terms[0]}
