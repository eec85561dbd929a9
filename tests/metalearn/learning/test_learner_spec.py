"""What network a run's learner is, as its settings and its pool say."""

from collections.abc import Callable
from typing import Any

import pytest

from metalearn.learning.learner_settings import LearnerSettings
from metalearn.learning.learner_spec import learner_as_set, learner_like_teachers
from metalearn.networks import NetworkSpec
from metalearn.pool import Pool


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    return Pool((make_teacher("a", width=5), make_teacher("b", image_size=40)))


def test_what_is_left_open_is_the_pools_or_the_architectures(pool: Pool) -> None:
    found = learner_as_set(pool, LearnerSettings(), n_classes=7)
    assert found == NetworkSpec("conv4", found.width, 3, 40, 7)
    assert found.width > 5


def test_what_is_set_is_taken(pool: Pool) -> None:
    settings = LearnerSettings("resnet10", learner_width=6, learner_image_size=50)
    found = learner_as_set(pool, settings, n_classes=2, most_pixels=20)
    assert found == NetworkSpec("resnet10", 6, 3, 50, 2)


def test_an_open_size_has_a_limit_and_no_network_is_too_small_for_itself(pool: Pool) -> None:
    assert learner_as_set(pool, LearnerSettings(), n_classes=2, most_pixels=30).image_size == 30
    assert learner_as_set(pool, LearnerSettings(), n_classes=2, most_pixels=8).image_size == 16


def test_a_learner_like_the_teachers_has_the_width_of_the_first_and_the_largest_size(
    pool: Pool,
) -> None:
    assert learner_like_teachers(pool, n_classes=9) == NetworkSpec("conv4", 5, 3, 40, 9)
