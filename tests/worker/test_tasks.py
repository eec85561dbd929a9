"""A message becomes work; that of a job only while the job waits."""

from typing import Any

import pytest
from django.db import OperationalError

from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from marketplace.queue import Task, app
from worker import lease, runner, tasks


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs that came as far as the code that loads torch."""
    ids: list[Any] = []
    monkeypatch.setattr(runner, "run_job", ids.append)
    return ids


def test_a_waiting_job_is_run(queued_job: Job, runs: list[Any]) -> None:
    tasks.run_job(str(queued_job.pk))
    assert runs == [str(queued_job.pk)]


def test_a_message_for_a_job_that_is_at_work_costs_a_look_and_no_torch(
    queued_job: Job, runs: list[Any]
) -> None:
    job_claim(job_id=queued_job.pk, worker="another")
    tasks.run_job(str(queued_job.pk))
    assert runs == []


def test_a_database_that_is_away_is_waited_for_by_the_run_itself(
    queued_job: Job, runs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(lease, "job_waits", away)
    tasks.run_job(str(queued_job.pk))
    assert runs == [str(queued_job.pk)]


@pytest.mark.parametrize(
    ("task", "said", "work", "told"),
    [
        (Task.VALIDATE_CHECKPOINT, ("id",), "worker.checkpoints.validate_checkpoint", ("id",)),
        (Task.ADAPT, ("id",), "worker.sessions.answer_session", ("id",)),
        (Task.KEEP_TIME, (), "worker.clock.tick", ()),
        (Task.SHOW_PULSE, (), "worker.liveness.record_pulse", ("gpu",)),
    ],
)
def test_every_other_message_is_worked_on_at_once(
    monkeypatch: pytest.MonkeyPatch,
    task: Task,
    said: tuple[Any, ...],
    work: str,
    told: tuple[Any, ...],
) -> None:
    calls = []
    monkeypatch.setattr(work, lambda *arguments: calls.append(arguments))
    app.tasks[str(task)](*said)
    assert calls == [told]
