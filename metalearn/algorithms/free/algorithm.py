"""FREE's outer step: recover, align, replay."""

import math
from functools import partial

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, OptimiserState, StepReport
from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.learning import (
    as_episode,
    augmented,
    distillation_of,
    remembered_task,
    replayed_loss,
    statistics_batches,
    steps_since_best,
    student_of,
    teacher_logits,
)
from metalearn.algorithms.free.meta_generator import (
    generator_optimiser,
    means_over,
    move_generator,
)
from metalearn.algorithms.free.needs import SMALLER, needs_of_free
from metalearn.algorithms.free.own_heads import (
    Distillation,
    Lesson,
    Taught,
    TeacherHeads,
    lesson_loss,
    optimisers_of,
    recovered_lesson,
    remembered_lesson,
    shared_loss,
)
from metalearn.algorithms.free.room import (
    check_memory,
    generator_as_set,
    learner_spec,
    new_memory,
)
from metalearn.alignment import gradient_agreement, sequential_descent
from metalearn.batchnorm import reestimate_statistics
from metalearn.gradients import set_gradients
from metalearn.inversion import RecoveredTask, TeacherTask, about_statistics, recover
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs
from metalearn.networks.generator import Generator
from metalearn.pool import Pool
from metalearn.precision import autocast, on_device
from metalearn.randomness import seeded_from


class Free(Algorithm):
    """FREE, as the package's docstring describes it."""

    name = "free"
    title = "FREE"
    paper = "https://arxiv.org/abs/2405.00984"
    summary = (
        "One meta-generator recovers training tasks from every model in a few steps; a learner "
        "whose gradients are aligned across the models learns from them."
    )
    Config = FreeConfig
    smaller = SMALLER
    config: FreeConfig

    def __init__(self, pool: Pool, config: FreeConfig, *, device: torch.device, seed: int) -> None:
        pool = pool.with_enough_classes(config.n_way, merge=config.merge_classes)
        super().__init__(pool, config, device=device, seed=seed)
        self.learner = self.new_learner(learner_spec(pool, config)).train()
        self.generator = self._new_generator()
        self.taught = Taught(self.learner, self._new_heads())
        self.generator_optimiser = generator_optimiser(self.generator, config)
        self.learner_optimisers = optimisers_of(self.taught, config)
        self.memory = new_memory(pool, config, image_size=self.generator.image_size)
        check_memory(self.memory, config, channels=pool.channels)

    @classmethod
    def needs_of(cls, pool: Pool, config: FreeConfig, device: torch.device) -> Needs:
        return needs_of_free(pool, config, device)

    def _new_generator(self) -> Generator:
        with seeded_from(self.rng):
            generator = generator_as_set(self.pool, self.config, self.learner.spec)
        return on_device(generator, self.device)

    def _new_heads(self) -> TeacherHeads | None:
        if self.config.distillation_head != "own":
            return None
        with seeded_from(self.rng):
            heads = TeacherHeads(
                self.pool, self.learner.feature_dim, most=self.config.head_classes, rng=self.rng
            )
        return heads.to(self.device)

    def notices(self) -> list[str]:
        return about_statistics(self.pool) if self.config.batchnorm_weight else []

    @property
    def total_steps(self) -> int:
        return self.config.warm_up_steps + self.config.outer_steps + self.config.replay_steps

    @property
    def stage(self) -> str:
        """Which stage the next step belongs to."""
        if self.steps_done < self.config.warm_up_steps:
            return "warm-up"
        if self.steps_done < self.config.warm_up_steps + self.config.outer_steps:
            return "meta-training"
        return "replay"

    def step(self) -> StepReport:
        self._set_rate()
        stage = self.stage
        if stage == "replay":
            return self.report(stage, self.realign() | self.replay())
        recovered, metrics = self.recover(adversarial=stage == "meta-training")
        if stage == "meta-training":
            for task in recovered if self.config.remembered == "all" else recovered[-1:]:
                names = task.task.memory_names(merge=self.config.merge_classes)
                self.memory.add(task.images, task.labels, names)
            metrics |= self._agreement(recovered) | self.realign()
            metrics |= {"distillation": self.align(recovered)} | self.replay()
        return self.report(stage, metrics, recovered=as_episode(recovered[0], self.config))

    def recover(self, *, adversarial: bool) -> tuple[list[RecoveredTask], dict[str, float]]:
        """FIVE: recover a task from each of the teachers drawn, then move the generator."""
        config = self.config
        adversarial = adversarial and config.adversarial_weight > 0
        student = student_of(self.learner, config, self.pool) if adversarial else None
        fits = []
        for teacher in self.pool.sample(config.teachers_per_step, self.rng):
            n_way = min(config.n_way, teacher.n_classes)
            labels = torch.arange(n_way).repeat(config.images_per_class).to(self.device)
            latents = torch.randn(len(labels), config.latent_dim, generator=self.rng)
            fit = recover(
                TeacherTask.sample(teacher, config.n_way, self.rng),
                self.generator,
                latents.to(self.device),
                labels,
                settings=config.inversion,
                rng=self.rng,
                student=student,
            )
            fits.append(fit)
        if config.generator_moments == "renewed":
            self.generator_optimiser = generator_optimiser(self.generator, config)
        move_generator(self.generator, self.generator_optimiser, fits, config)
        recovered = [fit.recovered for fit in fits]
        return recovered, means_over(recovered)

    def align(self, recovered: list[RecoveredTask]) -> float:
        """BELL: distil the teachers into a clone one after another, and follow it.

        Returns the mean distillation loss met on the way.
        """
        tasks = [augmented(task, self.config, self.rng) for task in recovered]
        return self._follow(self._distillations(tasks))

    def _follow(self, losses: list[Distillation]) -> float:
        config = self.config
        descent = sequential_descent(
            self.taught,
            losses,
            lr=config.alignment_lr,
            steps_per_loss=config.alignment_steps,
            optimiser=config.alignment_optimiser,
        )
        directions = [config.alignment_weight * direction for direction in descent.direction]
        set_gradients(self.taught.parameters(), directions)
        self.learner_optimisers.step()
        return sum(descent.losses) / len(descent.losses)

    def realign(self) -> dict[str, float]:
        """BELL again, on images out of the memory, for teachers drawn anew each time."""
        losses = []
        for _ in range(self.config.replay_alignments):
            if remembered := self._remembered_distillations():
                losses.append(self._follow(remembered))
        return {"replayed_distillation": sum(losses) / len(losses)} if losses else {}

    def _remembered_distillations(self) -> list[Distillation]:
        config, rng = self.config, self.rng
        if self.taught.heads is None:
            teachers = self.pool.sample(config.teachers_per_step, rng)
            drawn = [
                remembered_task(self.memory, teacher, config, device=self.device, rng=rng)
                for teacher in teachers
            ]
            known = [augmented(task, config, rng) for task in drawn if task is not None]
            return self._distillations(known)
        lessons = [
            remembered_lesson(self.memory, config, pool=self.pool, device=self.device, rng=rng)
            for _ in range(config.teachers_per_step)
        ]
        return self._lesson_losses([lesson for lesson in lessons if lesson is not None])

    def _agreement(self, recovered: list[RecoveredTask]) -> dict[str, float]:
        every = self.config.agreement_every
        if not every or self.steps_done % every:
            return {}
        # In the weights that the teachers share: each alone moves its own head.
        shared = [shared_loss(loss, self.taught) for loss in self._distillations(recovered)]
        agreement = gradient_agreement(self.learner, shared)
        return {
            "gradient_inner_product": agreement.inner_product,
            "gradient_cosine": agreement.cosine,
        }

    def _distillations(self, tasks: list[RecoveredTask]) -> list[Distillation]:
        """For each task, the loss of a learner that is to say what the task's teacher says."""
        config, pool = self.config, self.pool
        if self.taught.heads is not None:
            return self._lesson_losses([recovered_lesson(task, config, pool) for task in tasks])

        def loss_of(task: RecoveredTask) -> Distillation:
            targets = teacher_logits(task, config)
            return lambda taught: distillation_of(
                taught.network, task=task, targets=targets, config=config, pool=pool
            )

        return [loss_of(task) for task in tasks]

    def _lesson_losses(self, lessons: list[Lesson]) -> list[Distillation]:
        return [
            partial(lesson_loss, lesson=lesson, config=self.config, pool=self.pool)
            for lesson in lessons
        ]

    def replay(self) -> dict[str, float]:
        """Teach the learner meta-batches of tasks whose classes come from different teachers."""
        config = self.config
        need = config.k_shot + config.n_query
        losses: list[Tensor] = []
        hits: list[float] = []
        for _ in range(config.replay_batches):
            if not self.memory.can_sample(n_way=config.n_way, need=need):
                break
            if config.replay_patience and steps_since_best(hits) >= config.replay_patience:
                break
            episodes = [
                self.memory.sample(
                    n_way=config.n_way,
                    k_shot=config.k_shot,
                    n_query=config.n_query,
                    rng=self.rng,
                )
                for _ in range(config.replay_episodes)
            ]
            self.taught.zero_grad()
            result = replayed_loss(self.learner, episodes, config, pool=self.pool, rng=self.rng)
            torch.autograd.backward(result.loss)
            self.learner_optimisers.step()
            losses.append(result.loss.detach())
            hits.append(result.accuracy)
        if not losses:
            return {}
        return {
            "replay": float(torch.stack(losses).mean()),
            "replay_accuracy": sum(hits) / len(hits),
        }

    # No `copied_teachers`: drawn at random, the learner sees the teachers' answers alone.
    def meta_learner(self) -> MetaLearner:
        config = self.config
        defaults = AdaptationSettings(
            head="prototypes" if config.replay_learner == "protonet" else "sgd",
            inner_lr=config.inner_lr,
            temperature=config.temperature,
        )
        learner = self.finished(self.learner, defaults)
        if self.memory.n_classes:
            batches = statistics_batches(self.memory, self.learner, self.pool, self.device)
            with autocast("fp32", self.device):
                reestimate_statistics(learner.network, batches)
        return learner

    def parts(self) -> dict[str, Stateful]:
        heads: dict[str, Stateful] = {"heads": self.taught.heads} if self.taught.heads else {}
        return heads | {
            "generator": self.generator,
            "generator_optimiser": OptimiserState(self.generator_optimiser),
            "learner": self.learner,
            "memory": self.memory,
            **self.learner_optimisers.parts(),
        }

    def _set_rate(self) -> None:
        """The learner's rate depends on the step alone, so it needs no saving."""
        config = self.config
        steps = config.outer_steps + config.replay_steps
        share = max(self.steps_done - config.warm_up_steps, 0) / steps
        factor = (1 + math.cos(math.pi * share)) / 2 if config.lr_decay else 1.0
        self.learner_optimisers.pace(factor)
