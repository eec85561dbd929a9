"""Batch-norm statistics after weights were merged."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from metalearn.algorithms.average import Average, AverageConfig
from metalearn.meta_learner import MetaLearner
from metalearn.pool import Pool
from metalearn.pool.pool import Teacher

CPU = torch.device("cpu")


def averaged(pool: Pool, statistics: str, seed: int = 0) -> MetaLearner:
    run = Average(pool, AverageConfig(statistics=statistics), device=CPU, seed=seed)
    run.step()
    run.steps_done += 1
    return run.meta_learner()


def statistics_of(learner: MetaLearner) -> torch.Tensor:
    state = learner.network.state_dict()
    return torch.cat([value for name, value in state.items() if "running_" in name])


@pytest.fixture
def strangers(make_teacher: Callable[..., Any]) -> Pool:
    return Pool((make_teacher("a"), make_teacher("b")))


@pytest.fixture
def relatives(make_teacher: Callable[..., Any]) -> Pool:
    one = make_teacher("a")
    return Pool((one, replace(one, name="twin")))


@pytest.mark.long
def test_models_trained_apart_get_statistics_of_drawn_pictures(strangers: Pool) -> None:
    auto, drawn, merged = (
        statistics_of(averaged(strangers, kind)) for kind in ("auto", "drawn", "merged")
    )
    assert torch.equal(auto, drawn) and not torch.allclose(auto, merged)
    own = [statistics_of_teacher(teacher) for teacher in strangers.teachers]
    assert torch.allclose(merged, (own[0] + own[1]) / 2)


def test_relatives_keep_the_mean_of_their_own(relatives: Pool) -> None:
    auto, drawn, merged = (
        statistics_of(averaged(relatives, kind)) for kind in ("auto", "drawn", "merged")
    )
    assert torch.equal(auto, merged) and not torch.allclose(auto, drawn)


@pytest.mark.long
def test_the_pictures_are_drawn_by_the_seed_of_the_run(strangers: Pool) -> None:
    learner = averaged(strangers, "drawn")
    again = averaged(strangers, "drawn")
    assert torch.equal(statistics_of(learner), statistics_of(again))
    assert not torch.equal(statistics_of(learner), statistics_of(averaged(strangers, "drawn", 1)))


@pytest.mark.long
def test_asking_for_the_learner_twice_gives_the_same_one(strangers: Pool) -> None:
    run = Average(strangers, AverageConfig(), device=CPU, seed=0)
    run.step()
    before = run.rng.get_state()
    one, two = (statistics_of(run.meta_learner()) for _ in range(2))
    assert torch.equal(one, two) and torch.equal(run.rng.get_state(), before)


def statistics_of_teacher(teacher: Teacher) -> torch.Tensor:
    state = teacher.network.state_dict()
    return torch.cat([value for name, value in state.items() if "running_" in name])
