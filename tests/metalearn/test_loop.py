"""The loop takes exactly the steps that are left, and none that was not asked for."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch

from metalearn.algorithm import Algorithm, StepReport, train
from metalearn.meta_learner import MetaLearner
from metalearn.needs import Needs
from metalearn.pool.pool import Pool


@dataclass(frozen=True)
class NoSettings:
    pass


class Counter(Algorithm):
    """Takes five steps and writes down which."""

    name = "counter"
    Config = NoSettings

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, NoSettings(), device=torch.device("cpu"), seed=0)
        self.taken: list[int] = []

    @classmethod
    def needs_of(cls, pool: Any, config: Any, device: Any) -> Needs:
        raise AssertionError("the loop does not ask what it needs")

    @property
    def total_steps(self) -> int:
        return 5

    def step(self) -> StepReport:
        self.taken.append(self.steps_done)
        return self.report("counting", {"taken": float(len(self.taken))})

    def meta_learner(self) -> MetaLearner:
        raise AssertionError("the loop does not ask for the learner")

    def parts(self) -> dict[Any, Any]:
        return {}


@pytest.fixture
def counter(tiny_pool: Pool) -> Counter:
    return Counter(tiny_pool)


def test_every_step_is_taken_once_and_reported(counter: Counter) -> None:
    assert [report.step for report in train(counter)] == [1, 2, 3, 4, 5]
    assert counter.taken == [0, 1, 2, 3, 4]


def test_the_counter_is_moved_on_before_the_report_is_handed_out(counter: Counter) -> None:
    assert next(train(counter)).step == 1
    assert counter.steps_done == 1
    assert counter.taken == [0]


def test_a_resumed_run_takes_the_rest(counter: Counter, tiny_pool: Pool) -> None:
    next(train(counter))
    resumed = Counter(tiny_pool)
    resumed.load_state_dict(counter.state_dict())
    assert [report.step for report in train(resumed)] == [2, 3, 4, 5]


def test_a_finished_run_takes_none(counter: Counter) -> None:
    list(train(counter))
    assert list(train(counter)) == []


class Dropping(Counter):
    """Its steps draw from the global generator, as dropout does."""

    def step(self) -> StepReport:
        drawn = float(torch.rand(()))
        self.drawn = [*getattr(self, "drawn", []), drawn]
        return self.report("dropping", {"drawn": drawn})


def test_what_dropout_draws_follows_from_the_step_so_that_a_run_that_goes_on_draws_the_same(
    tiny_pool: Pool,
) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    whole, resumed = Dropping(tiny_pool), Dropping(tiny_pool)
    list(train(whole))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    resumed.steps_done = 2
    list(train(resumed))
    assert whole.drawn[2:] == resumed.drawn
    assert len(set(whole.drawn)) == 5
