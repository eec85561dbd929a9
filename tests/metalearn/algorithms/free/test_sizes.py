"""How large FREE's networks and memory are, as its settings and the pool say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metalearn.algorithms.free.config import FreeConfig
from metalearn.algorithms.free.sizes import (
    check_memory,
    generator_as_set,
    learner_spec,
    new_memory,
)
from metalearn.errors import InvalidSetting
from metalearn.networks import NetworkSpec
from metalearn.pool import Pool

CONFIG = FreeConfig(generator_width=8, latent_dim=8)


def test_the_learner_sees_no_more_than_is_recovered(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("a", image_size=64), make_teacher("b")))
    assert learner_spec(pool, replace(CONFIG, picture_size=32)).image_size == 32
    assert learner_spec(pool, replace(CONFIG, picture_size=96)).image_size == 64
    assert learner_spec(pool, replace(CONFIG, n_way=7)).n_classes == 7


def test_the_generator_makes_no_larger_pictures_than_the_learner_sees(pool: Pool) -> None:
    learner = NetworkSpec("conv4", 4, 3, 24, 5)
    with torch.random.fork_rng():
        plain = generator_as_set(pool, CONFIG, learner)
        told = generator_as_set(pool, replace(CONFIG, generator_input="latent+label"), learner)
    assert (plain.image_size, plain.n_way) == (24, 0)
    assert told.n_way == CONFIG.n_way


def test_classes_of_one_name_have_one_place_in_the_memory_unless_they_are_kept_apart(
    pool: Pool,
) -> None:
    merged = new_memory(pool, replace(CONFIG, memory_per_class=9), image_size=16)
    apart = new_memory(
        pool, replace(CONFIG, memory_per_class=9, merge_classes=False), image_size=16
    )
    assert (merged.most_images, apart.most_images) == (3 * 9, 6 * 9)


def test_a_memory_without_room_for_an_episode_is_refused_with_what_would_fit(pool: Pool) -> None:
    few = replace(CONFIG, memory_per_class=2, k_shot=2, n_query=3)
    with pytest.raises(InvalidSetting, match="raise memory_per_class to 5"):
        check_memory(new_memory(pool, few, image_size=16), few, channels=3)
    small = replace(CONFIG, memory_mb=1, k_shot=50, n_query=50)
    with pytest.raises(InvalidSetting, match="raise memory_mb to"):
        check_memory(new_memory(pool, small, image_size=96), small, channels=3)
    check_memory(new_memory(pool, CONFIG, image_size=16), CONFIG, channels=3)
