"""How many pictures of which size Chorus draws and keeps, and what moves its learner."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metalearn.algorithms.chorus.config import ChorusConfig
from metalearn.algorithms.chorus.sizes import (
    MOST_BYTES,
    first_pictures,
    memory_capacity,
    optimisers_of,
    pixels,
    portions,
)
from metalearn.networks import NetworkSpec, build_network
from metalearn.pool import Pool

CONFIG = ChorusConfig()


def test_pictures_are_drawn_for_the_pool_and_kept_no_larger_than_the_learner_sees(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool((make_teacher("a"), make_teacher("b", image_size=64)))
    assert pixels(pool, NetworkSpec("conv4", 4, 3, 32, 5)) == (64, 32)
    assert pixels(pool, NetworkSpec("conv4", 4, 3, 84, 5)) == (64, 64)


def test_the_memory_is_as_large_as_set_unless_its_bytes_do_not_suffice() -> None:
    assert memory_capacity(replace(CONFIG, memory=500), 3, 32) == 500
    large = memory_capacity(CONFIG, 3, 224)
    assert large == MOST_BYTES // (3 * 224**2) < CONFIG.memory
    assert memory_capacity(CONFIG, 3, 4_000) == 64
    assert (first_pictures(500), first_pictures(10_000)) == (500, 4_096)


@pytest.mark.parametrize(("n", "size"), [(1, 32), (512, 32), (1_000, 32), (70, 200), (0, 32)])
def test_portions_add_up_and_none_is_larger_than_the_first(n: int, size: int) -> None:
    found = portions(n, size)
    assert sum(found) == n
    assert all(0 < one <= found[0] for one in found)
    assert max(found, default=0) * size**2 <= max(16 * size**2, 512 * 32**2)


def test_muon_turns_the_kernels_of_a_random_learner_and_none_of_one_that_knows_something() -> None:
    with torch.random.fork_rng():
        learner = build_network(NetworkSpec("conv4", 4, 3, 16, 5))
    assert set(optimisers_of(learner, CONFIG).by_name) == {"vector_optimiser", "kernel_optimiser"}
    tuned = optimisers_of(learner, replace(CONFIG, learner_start="relatives")).by_name
    assert list(tuned) == ["vector_optimiser"]
    assert tuned["vector_optimiser"].defaults["lr"] == CONFIG.tuning_lr
