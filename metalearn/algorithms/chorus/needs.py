from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from metalearn.algorithms.chorus.config import ChorusConfig
from metalearn.algorithms.chorus.geometry import PIXELS_AT_ONCE, joint_features
from metalearn.algorithms.chorus.sizes import (
    first_pictures,
    memory_capacity,
    optimisers_of,
    pixels,
    portions,
)
from metalearn.learning.learner_settings import RANDOM, RELATIVES
from metalearn.learning.learner_spec import learner_as_set
from metalearn.merging.learner_start import largest_family
from metalearn.needs import (
    Needs,
    Part,
    cached_bytes,
    drawing,
    embedding,
    held_bytes,
    kinds_of,
    learning,
    most_taken,
    network_of,
    stepping,
)
from metalearn.networks import Network, NetworkSpec
from metalearn.pool import Pool
from metalearn.pool.network_cache import network_bytes

SMALLER = ("memory", "most_own", "batch_size", "pictures_per_step", "components")
_FLOAT = 4
_COPIES = 4
"""The learner, its gradient and at most two moments."""
_PLANES = 12
"""Planes in memory while images are drawn: ground, texture, masks and complex waves."""
_ITERATIONS = 8
"""Products with the feature matrix when computing its components."""


@dataclass(frozen=True)
class _Run:
    pool: Pool
    config: ChorusConfig
    learner: Network
    device: torch.device

    @property
    def drawn_size(self) -> int:
        return pixels(self.pool, self.learner.spec)[0]

    @property
    def kept_size(self) -> int:
        return pixels(self.pool, self.learner.spec)[1]

    @property
    def capacity(self) -> int:
        return memory_capacity(self.config, self.pool.channels, self.kept_size)

    @property
    def first(self) -> int:
        return first_pictures(self.capacity)

    @property
    def pictures(self) -> int:
        return self.first + self.config.outer_steps * self.config.pictures_per_step

    @property
    def views(self) -> int:
        return 2 if self.config.mirror else 1

    @property
    def features(self) -> int:
        return joint_features(self.pool)

    @property
    def rank(self) -> int:
        return min(self.config.components, self.first, self.features)


def needs_of_chorus(pool: Pool, config: ChorusConfig, device: torch.device) -> Needs:
    run = _Run(pool, config, network_of(_learner_spec(pool, config), device), device)
    drawn, looks, lessons = _drawing(run), _looks(run), _lessons(run)
    weights = network_bytes(run.learner)
    kept = pool.channels * run.kept_size**2 + _FLOAT * run.rank
    memory = min(run.capacity, run.pictures) * kept + _FLOAT * run.rank * run.features
    basis = _FLOAT * run.rank * (run.features + 2 * run.first)
    own = config.most_own * pool.channels * run.drawn_size**2 if config.own_pictures else 0
    planes = _PLANES * _FLOAT * drawn.at_once * pool.channels * run.drawn_size**2
    asking = max(planes, most_taken(looks), basis)
    return Needs(
        models=held_bytes(pool),
        held=_COPIES * weights + memory + own,
        passing=max(_shown_bytes(run) + asking, most_taken(lessons)),
        cached=cached_bytes(pool),
        snapshot=3 * weights + memory,
        work=(drawn, *looks, *lessons, *_geometry(run)),
    )


def _shown_bytes(run: _Run) -> int:
    """Return the memory of a step's images and their features, in bytes.

    Images are held as drawn, as in the memory and once in between; features for each view,
    concatenated, and as the input of the decomposition.
    """
    most = max(run.first, run.config.pictures_per_step)
    picture = run.pool.channels * run.drawn_size**2
    return _FLOAT * most * (3 * picture + (run.views + 2) * run.features)


def _learner_spec(pool: Pool, config: ChorusConfig) -> NetworkSpec:
    """Return the learner's spec; if the best teacher is not known yet, the largest possible one."""
    if config.learner_start == RANDOM:
        return learner_as_set(pool, config, n_classes=config.n_way)
    teachers = [pool.teachers[place] for place in _beginnings(pool, config)]
    largest = max(teachers, key=lambda one: one.n_bytes)
    size = config.learner_image_size or max(one.image_size for one in teachers)
    return replace(largest.spec, image_size=size, n_classes=config.n_way)


def _beginnings(pool: Pool, config: ChorusConfig) -> Sequence[int]:
    names = [teacher.name for teacher in pool.teachers]
    if config.learner_start == RELATIVES:
        return largest_family(pool)
    if config.learner_start in names:
        return (names.index(config.learner_start),)
    return range(len(pool))


def _drawing(run: _Run) -> Part:
    at_once = portions(run.pictures, run.drawn_size)[0]
    return drawing(
        run.pool,
        pictures=at_once,
        size=run.drawn_size,
        times=run.pictures / at_once,
        kind=run.config.pictures,
    )


def _looks(run: _Run) -> list[Part]:
    parts = []
    for teacher, share in kinds_of(run.pool):
        at_once = max(1, PIXELS_AT_ONCE // teacher.image_size**2)
        part = embedding(
            teacher.to(run.device).network,
            pictures=at_once,
            size=run.drawn_size,
            times=share * len(run.pool) * run.pictures * run.views / at_once,
            precision=run.config.precision,
        )
        parts.append(part)
    return parts


def _lessons(run: _Run) -> list[Part]:
    config = run.config
    times = config.outer_steps * config.updates_per_step
    return [
        learning(
            run.learner,
            pictures=config.batch_size,
            size=run.kept_size,
            times=times,
            precision=config.precision,
            augmented=config.crops > 0,
        ),
        stepping(
            f"chorus {config.learner_start == RANDOM}",
            run.learner,
            lambda pupil: optimisers_of(pupil, config),
            times=times,
        ),
    ]


def _geometry(run: _Run) -> list[Part]:
    cpu = torch.device("cpu")
    return [
        _products(run, cpu, at_once=run.first, times=_ITERATIONS),
        _products(
            run, run.device, at_once=run.config.pictures_per_step, times=run.config.outer_steps
        ),
    ]


def _products(run: _Run, device: torch.device, *, at_once: int, times: int) -> Part:
    basis = torch.zeros(run.features, run.rank, device=device)

    def rehearse(n: int) -> object:
        return torch.zeros(n, run.features, device=device) @ basis

    return Part(("products", run.features, run.rank), rehearse, at_once, times, device)
