"""What FREE needs grows with what its settings ask for."""

from typing import Any

import pytest
import torch

from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.needs import MemoryQuestions, needs_of_free
from metalearn.errors import InvalidSetting
from metalearn.needs import Needs, held_bytes
from metalearn.pool import Pool
from metalearn.settings import build

SMALL = {
    "warm_up_steps": 1,
    "outer_steps": 2,
    "n_way": 3,
    "teachers_per_step": 2,
    "images_per_class": 4,
    "generator_steps": 5,
    "generator_width": 8,
    "latent_dim": 8,
    "learner_width": 4,
    "memory_per_class": 20,
    "k_shot": 1,
    "n_query": 2,
}


def needs(pool: Pool, questions: MemoryQuestions | None = None, **settings: Any) -> Needs:
    config = build(FreeConfig, SMALL | settings)
    return needs_of_free(pool, config, torch.device("cpu"), questions or MemoryQuestions())


def pictures(found: Needs, kind: str) -> float:
    return sum(p.pictures for p in found.work if isinstance(p.kind, tuple) and p.kind[0] == kind)


def test_every_step_recovers_from_as_many_teachers_as_set(pool: Pool) -> None:
    found = needs(pool)
    assert pictures(found, "generating") == (1 + 2) * 2 * 5 * 3 * 4
    assert pictures(needs(pool, outer_steps=5), "generating") == (1 + 5) * 2 * 5 * 3 * 4
    assert found.models == held_bytes(pool)


def test_a_full_memory_is_held_and_saved(pool: Pool) -> None:
    small, long = needs(pool), needs(pool, outer_steps=1_000)
    picture = 3 * 16**2
    assert long.held - small.held == (3 * 20 - 2 * 2 * 3 * 4) * picture
    assert long.snapshot - small.snapshot == long.held - small.held


def test_questions_about_remembered_images_and_heads_of_teachers_come_on_top(pool: Pool) -> None:
    plain = needs(pool)
    more = needs(pool, MemoryQuestions(alignments=2, pictures=6, asked=2, head_rows=6))
    assert pictures(more, "embedding") - pictures(plain, "embedding") == 2 * 2 * 2 * 2 * 6
    assert more.snapshot > plain.snapshot


def test_a_memory_too_small_is_refused_before_anything_is_measured(pool: Pool) -> None:
    with pytest.raises(InvalidSetting, match="memory_per_class"):
        needs(pool, memory_per_class=2)
