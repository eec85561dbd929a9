"""The average against a mean computed by hand."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.algorithm import StepReport, train
from metalearn.errors import InvalidPool
from metalearn.meta_learner.learner import MetaLearner
from metalearn.pool import Pool
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")


def made(pool: Pool, **settings: Any) -> tuple[MetaLearner, StepReport]:
    run = make_algorithm("average", pool, {"statistics": "merged"} | settings, device=CPU, seed=0)
    (report,) = train(run)
    return run.meta_learner(), report


@pytest.fixture
def three(make_teacher: Callable[..., Any]) -> Pool:
    return Pool(tuple(make_teacher(name) for name in "abc"))


def test_every_weight_and_statistic_is_the_mean_of_the_teachers(three: Pool) -> None:
    learner, report = made(three)
    states = [teacher.network.state_dict() for teacher in three.teachers]
    assert report.metrics == {"models": 3.0}
    for name, value in learner.network.state_dict().items():
        total = states[0][name] + states[1][name] + states[2][name]
        if value.is_floating_point():
            assert torch.allclose(value, total / 3, atol=1e-6), name


def test_a_fresh_head_has_the_classes_asked_for(three: Pool) -> None:
    learner, _ = made(three, heads="fresh", n_way=7)
    assert learner.spec.n_classes == 7
    norm = learner.network.blocks[0].norm.running_var
    each = [t.network.get_buffer("blocks.0.norm.running_var") for t in three.teachers]
    mean = torch.stack(each).mean(0)
    assert torch.allclose(norm, mean)


def test_heads_of_unlike_class_counts_give_way_to_a_fresh_one(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool((make_teacher("a"), make_teacher("b", class_names=("x", "y"))))
    learner, _ = made(pool, n_way=4, head="sgd")
    assert learner.spec.n_classes == 4
    assert learner.defaults.head == "sgd"


def test_teachers_of_other_kinds_are_left_out_and_not_said_to_be_in_it(tiny_pool: Pool) -> None:
    learner, report = made(tiny_pool)
    assert [record.name for record in learner.teachers] == ["a", "b"]
    assert report.metrics == {"models": 2.0}
    assert learner.image_size == 16


def test_input_sizes_may_differ(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("a"), make_teacher("b", image_size=40)))
    learner, _ = made(pool, n_way=3)
    assert learner.image_size == 40
    assert learner.network.feature_dim == 4 * 2 * 2


def test_a_pool_without_two_of_a_kind_is_refused(make_teacher: Callable[..., Any]) -> None:
    pool = Pool((make_teacher("a"), make_teacher("r", architecture="resnet10", width=2)))
    with pytest.raises(InvalidPool, match="same architecture and width"):
        made(pool)
