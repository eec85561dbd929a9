"""What Chorus needs grows with what its settings ask for, and with nothing else."""

import torch

from metalearn.algorithms.chorus.config import ChorusConfig
from metalearn.algorithms.chorus.needs import needs_of_chorus
from metalearn.needs import Needs, held_bytes
from metalearn.pool import Pool

SMALL = {
    "learner_width": 4,
    "outer_steps": 3,
    "pictures_per_step": 32,
    "updates_per_step": 2,
    "batch_size": 8,
    "memory": 64,
    "components": 8,
    "n_way": 3,
    "crops": 0.0,
}


def needs(pool: Pool, **settings: object) -> Needs:
    values: dict[str, object] = SMALL | settings
    return needs_of_chorus(pool, ChorusConfig(**values), torch.device("cpu"))  # type: ignore[arg-type]


def pictures(found: Needs, kind: str) -> float:
    return sum(p.pictures for p in found.work if isinstance(p.kind, tuple) and p.kind[0] == kind)


def test_every_picture_is_drawn_once_and_shown_to_every_teacher_with_its_mirror_image(
    tiny_pool: Pool,
) -> None:
    found = needs(tiny_pool)
    total = 64 + 3 * 32
    assert pictures(found, "drawing") == total
    assert pictures(found, "embedding") == len(tiny_pool) * 2 * total
    assert pictures(needs(tiny_pool, mirror=False), "embedding") == len(tiny_pool) * total
    assert pictures(found, "learning") == 3 * 2 * 8


def test_a_larger_memory_is_held_and_saved_and_own_pictures_are_held_alone(
    tiny_pool: Pool,
) -> None:
    small, large = needs(tiny_pool), needs(tiny_pool, memory=128)
    assert small.models == held_bytes(tiny_pool)
    assert large.held - small.held == large.snapshot - small.snapshot > 0
    own = needs(tiny_pool, own_pictures=True, most_own=10)
    assert own.held - small.held == 10 * 3 * tiny_pool.image_size**2
    assert own.snapshot == small.snapshot


def test_a_learner_that_begins_with_a_model_is_as_large_as_that(tiny_pool: Pool) -> None:
    begun = needs(tiny_pool, learner_start="c")
    largest = needs(tiny_pool, learner_start="best_teacher")
    sizes = [teacher.n_bytes for teacher in tiny_pool.teachers]
    assert sizes.index(max(sizes)) == 2
    assert begun.snapshot == largest.snapshot > needs(tiny_pool, learner_start="a").snapshot
