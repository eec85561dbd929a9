"""FREE's outer step: recover, align, replay."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor
from torch.distributed.checkpoint.stateful import Stateful

from metalearn.algorithm import Algorithm, StepReport
from metalearn.algorithms.free.alignment import gradient_agreement, sequential_descent
from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.distiller import (
    Distillation,
    Distiller,
    LearnerWithHeads,
    optimisers_of,
    shared_loss,
)
from metalearn.algorithms.free.learner_inputs import (
    as_episode,
    augmented,
    replayed,
    statistics_batches,
    steps_since_best,
    student_of,
)
from metalearn.algorithms.free.meta_generator import (
    generator_optimiser,
    means_over,
    move_generator,
)
from metalearn.algorithms.free.needs import SMALLER, MemoryQuestions, needs_of_free
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.algorithms.free.shared_head import SharedHeadDistiller
from metalearn.algorithms.free.sizes import (
    check_memory,
    generator_as_set,
    learner_spec,
    new_memory,
)
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.needs import Needs
from metalearn.networks.batchnorm import reestimate_statistics
from metalearn.networks.generator import Generator
from metalearn.numerics.gradients import set_gradients
from metalearn.numerics.optimisers import OptimiserState
from metalearn.numerics.precision import autocast, on_device
from metalearn.numerics.randomness import seeded_from
from metalearn.pool import Pool
from metalearn.recovery.inversion import RecoveredTask, TeacherTask, about_statistics, recover


class Free(Algorithm):
    name = "free"
    title = "FREE"
    paper = "https://arxiv.org/abs/2405.00984"
    summary = (
        "One meta-generator recovers training tasks from every model in a few steps; a learner "
        "whose gradients are aligned across the models learns from them."
    )
    Config: ClassVar[type[FreeSettings]] = FreeConfig
    smaller = SMALLER
    config: FreeSettings

    def __init__(
        self, pool: Pool, config: FreeSettings, *, device: torch.device, seed: int
    ) -> None:
        pool = pool.with_enough_classes(config.n_way, merge=config.merge_classes)
        super().__init__(pool, config, device=device, seed=seed)
        self.learner = self.new_learner(learner_spec(pool, config)).train()
        self.generator = self._new_generator()
        self.trained = self._new_trained()
        self.distiller = self._new_distiller()
        self.generator_optimiser = generator_optimiser(self.generator, config)
        self.learner_optimisers = optimisers_of(self.trained, config)
        self.memory = new_memory(pool, config, image_size=self.generator.image_size)
        check_memory(self.memory, config, channels=pool.channels)

    @classmethod
    def needs_of(cls, pool: Pool, config: FreeSettings, device: torch.device) -> Needs:
        return needs_of_free(pool, config, device, MemoryQuestions())

    def _new_generator(self) -> Generator:
        with seeded_from(self.rng):
            generator = generator_as_set(self.pool, self.config, self.learner.spec)
        return on_device(generator, self.device)

    def _new_trained(self) -> LearnerWithHeads:
        return LearnerWithHeads(self.learner)

    def _new_distiller(self) -> Distiller:
        return SharedHeadDistiller(self.pool, self.config)

    def notices(self) -> list[str]:
        return about_statistics(self.pool) if self.config.batchnorm_weight else []

    @property
    def total_steps(self) -> int:
        return self.config.warm_up_steps + self.config.outer_steps + self.config.replay_steps

    @property
    def stage(self) -> str:
        if self.steps_done < self.config.warm_up_steps:
            return "warm-up"
        if self.steps_done < self.config.warm_up_steps + self.config.outer_steps:
            return "meta-training"
        return "replay"

    def step(self) -> StepReport:
        self._set_rate()
        stage = self.stage
        if stage == "replay":
            return self.report(stage, self.teach(()))
        recovered, metrics = self.recover(adversarial=stage == "meta-training")
        if stage == "meta-training":
            for task in recovered if self.config.switches.remembered == "all" else recovered[-1:]:
                names = task.task.memory_names(merge=self.config.merge_classes)
                self.memory.add(task.images, task.labels, names)
            metrics |= self._agreement(recovered) | self.teach(recovered)
        return self.report(stage, metrics, recovered=as_episode(recovered[0], self.config))

    def recover(self, *, adversarial: bool) -> tuple[list[RecoveredTask], dict[str, float]]:
        """Recover a task from each sampled teacher, then update the generator (FIVE)."""
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
        if config.switches.generator_moments == "renewed":
            self.generator_optimiser = generator_optimiser(self.generator, config)
        move_generator(self.generator, self.generator_optimiser, fits, config)
        recovered = [fit.recovered for fit in fits]
        return recovered, means_over(recovered)

    def teach(self, recovered: Sequence[RecoveredTask]) -> dict[str, float]:
        """Train the learner: alignment on the recovered tasks, if any, then replay."""
        aligned = {"distillation": self.align(recovered)} if recovered else {}
        return aligned | self.replay()

    def align(self, recovered: Sequence[RecoveredTask]) -> float:
        """Distil the teachers into a clone one after another, and follow it (BELL).

        Returns the mean distillation loss along the way.
        """
        tasks = [augmented(task, self.config, self.rng) for task in recovered]
        return self.follow(self.distiller.losses(tasks))

    def follow(self, losses: Sequence[Distillation]) -> float:
        """Train a clone on the losses in turn and let the learner follow; return the mean loss."""
        config = self.config
        descent = sequential_descent(
            self.trained,
            losses,
            lr=config.alignment_lr,
            steps_per_loss=config.alignment_steps,
            optimiser=config.switches.alignment_optimiser,
        )
        directions = [config.alignment_weight * direction for direction in descent.direction]
        set_gradients(self.trained.parameters(), directions)
        self.learner_optimisers.step()
        return sum(descent.losses) / len(descent.losses)

    def _agreement(self, recovered: list[RecoveredTask]) -> dict[str, float]:
        every = self.config.agreement_every
        if not every or self.steps_done % every:
            return {}
        # Only in the shared weights; each teacher's head is moved by that teacher alone.
        shared = [shared_loss(loss, self.trained) for loss in self.distiller.losses(recovered)]
        agreement = gradient_agreement(self.learner, shared)
        return {
            "gradient_inner_product": agreement.inner_product,
            "gradient_cosine": agreement.cosine,
        }

    def replay(self) -> dict[str, float]:
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
            self.trained.zero_grad()
            result = replayed(self.learner, episodes, config, pool=self.pool, rng=self.rng)
            self.learner_optimisers.step()
            losses.append(result.loss)
            hits.append(result.accuracy)
        if not losses:
            return {}
        return {
            "replay": float(torch.stack(losses).mean()),
            "replay_accuracy": sum(hits) / len(hits),
        }

    # No `copied_teachers`: the learner starts at random and sees only the teachers' outputs.
    def meta_learner(self) -> MetaLearner:
        config = self.config
        prototypes = config.replay_learner == "protonet"
        defaults = AdaptationSettings(
            head="prototypes" if prototypes else "sgd",
            # As in training; with fixed statistics, inner steps can diverge.
            batchnorm="inductive" if prototypes else "transductive",
            # Ten inner steps (the default) after five in training, as the papers evaluate MAML.
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
        return {
            "generator": self.generator,
            "generator_optimiser": OptimiserState(self.generator_optimiser),
            "learner": self.learner,
            "memory": self.memory,
            **self.learner_optimisers.parts(),
        }

    def _set_rate(self) -> None:
        config = self.config
        steps = config.outer_steps + config.replay_steps
        share = max(self.steps_done - config.warm_up_steps, 0) / steps
        factor = (1 + math.cos(math.pi * share)) / 2 if config.lr_decay else 1.0
        self.learner_optimisers.set_rate_share(factor)
