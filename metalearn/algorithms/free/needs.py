from dataclasses import dataclass

import torch

from metalearn.algorithms.free.distiller import LearnerWithHeads, optimisers_of
from metalearn.algorithms.free.settings import FreeSettings
from metalearn.algorithms.free.sizes import (
    check_memory,
    generator_as_set,
    learner_spec,
    new_memory,
)
from metalearn.learning.replay import passes_of
from metalearn.needs import (
    Needs,
    Part,
    cached_bytes,
    generating,
    held_bytes,
    learning,
    looking,
    most_taken,
    network_of,
    recovering,
    stepping,
    taken,
)
from metalearn.networks import Network
from metalearn.networks.generator import Generator
from metalearn.numerics.precision import on_device
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes

SMALLER = (
    "teacher_mb",
    "memory_mb",
    "replay_episodes",
    "images_per_class",
    "picture_size",
    "generator_width",
)
_FLOAT = 4
_COPIES = 4
"""A network in training: itself, its gradient and two moments."""


@dataclass(frozen=True)
class MemoryQuestions:
    """Queries of teachers about remembered images, in addition to fresh ones. FREE makes none."""

    alignments: int = 0  # per step
    pictures: int = 0  # per batch
    asked: int = 1
    head_rows: int = 0


@dataclass(frozen=True)
class _Run:
    pool: Pool
    config: FreeSettings
    learner: Network
    generator: Generator
    device: torch.device
    remembering: MemoryQuestions

    @property
    def size(self) -> int:
        return self.generator.image_size

    @property
    def pictures(self) -> int:
        return self.config.n_way * self.config.images_per_class

    @property
    def fits(self) -> int:
        config = self.config
        return (config.warm_up_steps + config.outer_steps) * config.teachers_per_step

    @property
    def learning_steps(self) -> int:
        return self.config.outer_steps + self.config.replay_steps


def needs_of_free(
    pool: Pool, config: FreeSettings, device: torch.device, remembering: MemoryQuestions
) -> Needs:
    learner = network_of(learner_spec(pool, config), device)
    with torch.random.fork_rng(devices=[]):
        generator = on_device(generator_as_set(pool, config, learner.spec), device)
    run = _Run(pool, config, learner, generator, device, remembering)
    check_memory(new_memory(pool, config, image_size=run.size), config, channels=pool.channels)
    made, shown, judged = _recovery(run)
    lessons = [*_alignment(run), *_replay(run)]
    weights = network_bytes(learner) + _heads_bytes(run)
    generators = network_bytes(generator)
    # The copy being fitted; for each task its images and the generator's gradient.
    images = _FLOAT * run.pictures * pool.channels * run.size**2
    fits = _COPIES * generators + config.teachers_per_step * (generators + images)
    asked = min(most_taken(shown), config.teacher_mb * 2**20)
    remembered = _remembered_bytes(run)
    return Needs(
        models=held_bytes(pool),
        # The clone in alignment has its own weights and gradients.
        held=_COPIES * generators + (_COPIES + 2) * weights + remembered,
        passing=max(taken(made) + asked + taken(judged) + fits, most_taken(lessons) + fits),
        cached=cached_bytes(pool),
        snapshot=3 * (generators + weights) + remembered,
        work=(made, *shown, judged, *lessons),
    )


def _recovery(run: _Run) -> tuple[Part, list[Part], Part]:
    config, times = run.config, run.fits * run.config.generator_steps
    made = generating(run.generator, pictures=run.pictures, times=times, precision=config.precision)
    shown = recovering(
        run.pool,
        pictures=run.pictures,
        size=run.size,
        times=times,
        limits=config.inversion.limits,
        device=run.device,
    )
    against = config.outer_steps * config.teachers_per_step * config.generator_steps
    judged = _lesson(run, run.pictures, against if config.adversarial_weight else 0)
    return made, shown, judged


def _alignment(run: _Run) -> list[Part]:
    config, remembering = run.config, run.remembering
    fresh = config.outer_steps * config.teachers_per_step
    alignments = run.learning_steps * remembering.alignments
    again = alignments * config.teachers_per_step
    measured = fresh / config.agreement_every if config.agreement_every else 0
    changed = config.augmentation > 0
    return [
        *_looks(run, run.pictures, fresh + measured),
        *_looks(run, remembering.pictures, again * remembering.asked),
        _lesson(run, run.pictures, fresh * config.alignment_steps + measured, changed=changed),
        _lesson(run, remembering.pictures, again * config.alignment_steps, changed=changed),
        _steps(run, config.outer_steps + alignments),
    ]


def _replay(run: _Run) -> list[Part]:
    config, times = run.config, run.learning_steps * run.config.replay_batches
    episode = config.n_way * passes_of(
        config.replay_learner, config.inner_steps, k_shot=config.k_shot, n_query=config.n_query
    )
    at_once = config.replay.episodes_at_once(config.replay_episodes)
    lessons = times * config.replay_episodes / at_once
    return [
        _lesson(run, at_once * episode, lessons, changed=config.augmentation > 0),
        _steps(run, times),
    ]


def _looks(run: _Run, pictures: int, times: float) -> list[Part]:
    return looking(
        run.pool,
        pictures=pictures,
        size=run.size,
        times=times,
        precision=run.config.precision,
        device=run.device,
    )


def _lesson(run: _Run, pictures: int, times: float, *, changed: bool = False) -> Part:
    return learning(
        run.learner,
        pictures=pictures,
        size=run.size,
        times=times,
        precision=run.config.precision,
        augmented=changed,
    )


def _steps(run: _Run, times: float) -> Part:
    config = run.config
    return stepping(
        config.outer_optimiser,
        run.learner,
        lambda pupil: optimisers_of(LearnerWithHeads(pupil), config),
        times=times,
    )


def _heads_bytes(run: _Run) -> int:
    return _FLOAT * run.remembering.head_rows * (run.learner.feature_dim + 1)


def _remembered_bytes(run: _Run) -> int:
    """Return the size of the full memory, or of all recovered images if that is less."""
    config = run.config
    memory = new_memory(run.pool, config, image_size=run.size)
    tasks = config.teachers_per_step if config.switches.remembered == "all" else 1
    recovered = config.outer_steps * tasks * run.pictures
    return min(memory.most_images, recovered) * memory.image_bytes
