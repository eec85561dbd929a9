"""The harness knows a stall from jobs that have all ended."""

import random
from typing import Any, cast

import pytest

from tests.faults import stage as stage_module
from tests.faults.stage import BREATH_S, PATIENCE_S, Stage
from tests.journeys.instance import Instance

PAGE = 25


class Shown(Stage):
    """A stage whose instance shows the jobs that a test puts here."""

    def __init__(self) -> None:
        super().__init__(instance=cast(Instance, None), dice=random.Random(0))
        self.shown: dict[str, dict[str, Any]] = {}

    def ask(self, method: str, path: str, *_: Any, **__: Any) -> Any:
        return self.shown[path.split("/")[1]]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """With a clock that a look moves by ten seconds, and an instance that shows these jobs."""
    now = [1000.0]

    def sleep(seconds: float) -> None:
        now[0] += 10

    monkeypatch.setattr(stage_module.time, "sleep", sleep)
    monkeypatch.setattr(stage_module.time, "monotonic", lambda: now[0])
    return Shown()


def job(stage: Shown, pk: str, *, state: str, steps: int = 0) -> None:
    """One more job, or a job that is otherwise now."""
    stage.jobs[pk] = 1
    stage.shown[pk] = {"id": pk, "state": state, "steps_done": steps}


def silence(stage: Shown) -> None:
    """Long enough for a pause."""
    stage.check_liveness()
    for _ in range(int(BREATH_S / 10) + 1):
        stage_module.time.sleep(10)


def test_every_job_counts_as_it_ends_and_is_not_asked_for_again(
    stage: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for index in range(2 * PAGE):
        job(stage, str(index), state="succeeded")
        seen.add(stage.progress())
    assert len(seen) == 2 * PAGE
    monkeypatch.setattr(stage, "ask", None)
    assert stage.progress() == (2 * PAGE, 0)
    assert stage.unfinished() == []


def test_a_job_that_nobody_works_on_is_a_stall(
    stage: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.instance = type("Silent", (), {"tail": lambda self: "its log"})()
    job(stage, "a", state="queued")
    silence(stage)
    began = stage_module.time.monotonic()
    with pytest.raises(AssertionError, match="nothing moves"):
        stage.check_liveness()
    assert stage_module.time.monotonic() - began >= PATIENCE_S


def test_jobs_that_have_all_ended_are_none(stage: Shown) -> None:
    for index in range(PAGE):
        job(stage, str(index), state="succeeded")
    job(stage, "last", state="running")
    silence(stage)
    job(stage, "last", state="succeeded")
    stage.check_liveness()
    silence(stage)
    stage.check_liveness()
    assert stage.breaths == 0


def test_a_job_that_moves_again_after_a_pause_is_a_pause(
    stage: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(stage, "a", state="running", steps=3)
    silence(stage)
    sleep = stage_module.time.sleep

    def sleep_and_step(seconds: float) -> None:
        sleep(seconds)
        job(stage, "a", state="running", steps=4)

    monkeypatch.setattr(stage_module.time, "sleep", sleep_and_step)
    stage.check_liveness()
    assert stage.breaths == 1
