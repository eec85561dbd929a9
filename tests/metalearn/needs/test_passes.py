"""The parts that most algorithms have: how many pictures go through what, and without a trace."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.needs import (
    Part,
    embedding,
    kinds_of,
    learning,
    looking,
    most_taken,
    network_of,
    recovering,
    stepping,
    taken,
)
from metalearn.networks import NetworkSpec
from metalearn.pool import Pool
from metalearn.recovery.teacher_pass import Limits

CPU = torch.device("cpu")
SPEC = NetworkSpec("conv4", 4, 3, 16, 3)


@pytest.fixture
def pool(make_teacher: Callable[..., Any]) -> Pool:
    """Two that differ in their classes alone, and one of another width."""
    names = ("owl", "fox", "cat", "bee")
    return Pool(
        (make_teacher("a"), make_teacher("b", class_names=names), make_teacher("c", width=6))
    )


def test_teachers_that_differ_in_their_classes_alone_are_of_one_kind(pool: Pool) -> None:
    found = {teacher.name: share for teacher, share in kinds_of(pool)}
    assert found == pytest.approx({"a": 2 / 3, "c": 1 / 3})


def test_pictures_of_all_kinds_add_up(pool: Pool) -> None:
    parts = looking(pool, pictures=6, size=16, times=9, precision="fp32", device=CPU)
    assert sum(part.pictures for part in parts) == pytest.approx(6 * 9)


def test_what_goes_in_portions_passes_a_third_more_often(pool: Pool) -> None:
    roomy, tight = Limits(2**40, "fp32"), Limits(1, "fp32")
    values: dict[str, Any] = {"pictures": 4, "size": 16, "times": 3, "device": CPU}
    whole = recovering(pool, limits=roomy, **values)
    cut = recovering(pool, limits=tight, **values)
    assert {part.at_once for part in whole} == {4} and {part.at_once for part in cut} == {1}
    assert sum(p.pictures for p in whole) == pytest.approx(12)
    assert sum(p.pictures for p in cut) == pytest.approx(12 * 4 / 3)


def test_rehearsals_change_nothing_and_draw_from_no_generator() -> None:
    learner = network_of(SPEC, CPU)
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    state = torch.get_rng_state()
    parts = [
        learning(learner, pictures=4, size=16, times=1, precision="fp32", augmented=True),
        embedding(learner, pictures=4, size=16, times=1, precision="fp32"),
        stepping("sgd", learner, lambda one: torch.optim.SGD(one.parameters(), lr=1.0), times=1),
    ]
    for part in parts:
        part.rehearse(2)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in learner.state_dict().items())
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_what_is_taken_is_that_of_all_pictures_that_go_together() -> None:
    def kept(n: int) -> object:
        return torch.zeros(n, 1_000, requires_grad=True).exp().sum()

    small, large = (Part(("kept", n), kept, n, 1, CPU) for n in (2, 8))
    assert taken(large) == 4 * taken(small) > 0
    assert most_taken([small, large]) == taken(large)
    assert most_taken([]) == 0
