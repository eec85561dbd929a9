import torch

from metalearn.algorithms.purer.config import PurerConfig
from metalearn.algorithms.purer.images import class_bytes
from metalearn.algorithms.purer.sizes import check_room, learner_spec, most_classes, picture_pixels
from metalearn.learning.replay import passes_of
from metalearn.needs import (
    Needs,
    Part,
    cached_bytes,
    held_bytes,
    learning,
    most_taken,
    network_of,
    recovering,
    stepping,
    taken,
)
from metalearn.networks import Network
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes
from metalearn.recovery.teacher_pass import Limits

SMALLER = ("teacher_mb", "memory_mb", "episodes_per_step", "picture_size")
_COPIES = 4
"""The learner, its gradient and two moments."""


def needs_of_purer(pool: Pool, config: PurerConfig, device: torch.device) -> Needs:
    learner = network_of(learner_spec(pool, config), device)
    size = pool.channels, picture_pixels(config, learner.spec)
    check_room(config, size)
    n_tasks = min(config.teachers_per_step or len(pool), len(pool))
    inversion = _inversion(pool, config, size[1], n_tasks=n_tasks, device=device)
    lessons = _lessons(learner, config, size[1])
    images = class_bytes(config.images_per_class, size)
    n_classes = min(_n_classes(pool, config), most_classes(config, size))
    weights = network_bytes(learner)
    # All of a step's teachers are kept for the joint gradient, and the learner when harder.
    at_once = min(n_tasks * most_taken(inversion), config.teacher_mb * 2**20)
    harder = taken(lessons[1]) if config.curriculum_weight else 0
    return Needs(
        models=held_bytes(pool),
        held=n_classes * images + _COPIES * weights,
        # The gradient of the step's images, and the images as shown.
        passing=max(at_once + harder, taken(lessons[0])) + n_tasks * config.n_way * images,
        cached=cached_bytes(pool),
        snapshot=n_classes * images + 3 * weights,
        work=(*inversion, *lessons),
    )


def _inversion(
    pool: Pool, config: PurerConfig, size: int, *, n_tasks: int, device: torch.device
) -> list[Part]:
    return recovering(
        pool,
        pictures=config.n_way * config.images_per_class,
        size=size,
        times=config.outer_steps * n_tasks,
        limits=Limits(config.teacher_mb * 2**20 // n_tasks, config.precision),
        device=device,
    )


def _lessons(learner: Network, config: PurerConfig, size: int) -> list[Part]:
    episode = config.n_way * passes_of(
        config.meta_learner, config.inner_steps, k_shot=config.k_shot, n_query=config.n_query
    )
    watched = max(0, config.outer_steps - config.curriculum_start)
    harder = watched / (config.patience + 1) if config.curriculum_weight else 0
    at_once = config.replay.episodes_at_once(config.episodes_per_step)
    many = learning(
        learner,
        pictures=at_once * episode,
        size=size,
        times=config.outer_steps * config.episodes_per_step / at_once,
        precision=config.precision,
        augmented=config.augmentation > 0,
    )
    one = learning(learner, pictures=episode, size=size, times=harder, precision=config.precision)
    adam = stepping(
        "adam",
        learner,
        lambda pupil: torch.optim.Adam(pupil.parameters(), lr=0.0, fused=True),
        times=config.outer_steps,
    )
    return [many, one, adam]


def _n_classes(pool: Pool, config: PurerConfig) -> int:
    if config.merge_classes:
        return len(pool.class_names)
    return sum(teacher.n_classes for teacher in pool.teachers)
