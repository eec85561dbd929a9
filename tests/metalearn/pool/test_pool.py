"""Teachers take any image in [0, 1]; pools refuse what cannot be used together."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.errors import InvalidPool
from metalearn.pool import Pool
from metalearn.recovery.inversion import TeacherTask


def test_a_teacher_applies_its_own_normalisation(make_teacher: Callable[..., Any]) -> None:
    teacher = make_teacher()
    images = torch.rand(2, 3, 16, 16)
    expected = teacher.network((images - 0.5) / 0.25)
    torch.testing.assert_close(teacher.logits(images), expected)


def test_resizing_for_a_teacher_is_differentiable(make_teacher: Callable[..., Any]) -> None:
    images = torch.rand(1, 3, 40, 24, requires_grad=True)
    make_teacher().logits(images).sum().backward()
    assert images.grad.abs().sum() > 0


def test_teachers_are_frozen_and_in_evaluation_mode(make_teacher: Callable[..., Any]) -> None:
    network = make_teacher().network
    assert not network.training
    assert not any(p.requires_grad for p in network.parameters())


def test_one_model_is_no_pool(make_teacher: Callable[..., Any]) -> None:
    with pytest.raises(InvalidPool, match="at least two"):
        Pool((make_teacher(),))


def test_colour_and_grey_do_not_mix(make_teacher: Callable[..., Any]) -> None:
    with pytest.raises(InvalidPool, match="channels"):
        Pool((make_teacher(), make_teacher("b", channels=1)))


def test_an_episode_may_have_as_many_classes_as_the_models_know_together(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool((make_teacher("a"), make_teacher("small", class_names=("cat", "fox"))))
    assert pool.with_enough_classes(4) is pool
    with pytest.raises(InvalidPool, match="know 4 classes together, fewer than the 5"):
        pool.with_enough_classes(5)
    assert pool.with_enough_classes(5, merge=False) is pool
    with pytest.raises(InvalidPool, match="know 5 classes together, fewer than the 6"):
        pool.with_enough_classes(6, merge=False)


def test_a_pools_size_and_normalisation_come_from_its_teachers(tiny_pool: Pool) -> None:
    assert tiny_pool.image_size == 24
    assert tiny_pool.channels == 3
    assert tiny_pool.mean == pytest.approx((0.5, 0.5, 0.5))
    assert tiny_pool.class_names == ("bee", "cat", "dog", "fox", "owl")


def test_sampling_draws_with_replacement_from_the_given_generator(tiny_pool: Pool) -> None:
    drawn = [
        [t.name for t in tiny_pool.sample(20, torch.Generator().manual_seed(5))] for _ in range(2)
    ]
    assert drawn[0] == drawn[1]
    assert set(drawn[0]) == {"a", "b", "c"}


def test_models_of_one_name_are_told_apart(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("a"), make_teacher("b"), make_teacher("a"), make_teacher("a")))
    assert [teacher.name for teacher in pool.teachers] == ["a", "b", "a (2)", "a (3)"]
    names = [TeacherTask(teacher, (0,)).memory_names(merge=False) for teacher in pool.teachers]
    assert len(set(names)) == 4


def test_a_part_of_a_pool_remembers_where_its_teachers_stand(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool(tuple(make_teacher(name) for name in "abcd"))
    assert pool.places == (0, 1, 2, 3)
    part = pool.part([1, 2, 3])
    assert [teacher.name for teacher in part.teachers] == ["b", "c", "d"]
    assert (part.places, part.part([0, 2]).places) == ((1, 2, 3), (1, 3))
