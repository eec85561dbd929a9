"""What happens every few seconds."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from marketplace.adaptation.models import AdaptationSession
from marketplace.core.models import WorkerPulse
from marketplace.jobs import clock as jobs_clock
from marketplace.jobs.clock import Jumps
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner
from marketplace.queue import Task
from worker import clock as worker_clock
from worker import tasks
from worker.clock import keep_time
from worker.schedule import Throttle


def _now() -> float:
    return time.monotonic()


@pytest.fixture(autouse=True)
def _no_looks_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_clock, "jumps", Jumps())
    monkeypatch.setattr(worker_clock, "jumps", jobs_clock.jumps)
    monkeypatch.setattr(worker_clock, "_pulse_throttle", Throttle(20, at_once=True, clock=_now))
    monkeypatch.setattr(worker_clock, "_sweep_throttle", Throttle(3600, at_once=True, clock=_now))
    monkeypatch.setattr(worker_clock, "_tick_throttle", Throttle(5, at_once=True, clock=_now))


def test_an_idle_gpu_worker_is_asked_for_its_pulse(transactional_db: None, sent: list[Any]) -> None:
    keep_time()
    assert sent == [(str(Task.SHOW_PULSE), {})]
    assert set(WorkerPulse.objects.values_list("queue", flat=True)) == {"quick"}


def test_a_gpu_worker_is_not_asked_with_every_tick(
    transactional_db: None, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    for _ in range(30):
        keep_time()
        now[0] += 1
    assert sent == [(str(Task.SHOW_PULSE), {})] * 2


def test_ticks_that_had_to_wait_together_are_one(
    transactional_db: None, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, ticks = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(worker_clock, "keep_time", lambda: ticks.append(now[0]))
    for waited in (0, 0.1, 0.2, 10, 20, 20.1):
        now[0] = 1000 + waited
        tasks.keep_time()
    assert ticks == [1000, 1010, 1020]


def test_a_busy_gpu_worker_is_left_in_peace(queued_job: Job, sent: list[Any]) -> None:
    job_claim(job_id=queued_job.pk, worker="here")
    keep_time()
    assert sent == []


def test_a_silent_job_is_queued_again_and_a_worker_woken(queued_job: Job, sent: list[Any]) -> None:
    job_claim(job_id=queued_job.pk, worker="here")
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    keep_time()
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.QUEUED
    assert (str(Task.RUN_JOB), {"job_id": str(queued_job.pk)}) in sent


def test_a_job_outlives_a_database_that_was_away_for_longer_than_its_lease(
    queued_job: Job, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_claim(job_id=queued_job.pk, worker="here")
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    def away(*_: Any, **__: Any) -> None:
        raise OperationalError("could not connect")

    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(WorkerPulse.objects, "update_or_create", away)
        keep_time()
    keep_time()
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.lost_attempts) == (JobState.RUNNING, 0)


def test_what_was_left_behind_is_looked_for_once_an_hour(
    transactional_db: None, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, sweeps = [1000.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(worker_clock, "sweep", lambda: sweeps.append(now[0]))
    for after_s in (0, 10, 3590, 3600, 3610):
        now[0] = 1000 + after_s
        keep_time()
    assert sweeps == [1000, 4600]


def test_a_lost_message_is_sent_again(queued_job: Job, sent: list[Any]) -> None:
    Job.objects.update(woken_at=timezone.now() - timedelta(minutes=2))
    keep_time()
    assert (str(Task.RUN_JOB), {"job_id": str(queued_job.pk)}) in sent


def test_what_fails_in_a_tick_is_logged_and_the_rest_has_its_turn(
    queued_job: Job,
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails() -> None:
        raise OSError("store away")

    steps = worker_clock._STEPS
    monkeypatch.setattr(worker_clock, "_STEPS", (fails, *steps[:-1], fails, steps[-1]))
    Job.objects.update(woken_at=timezone.now() - timedelta(minutes=2))
    keep_time()
    assert caplog.text.count("fails failed; the next tick tries again") == 2
    assert {task for task, _ in sent} == {str(Task.RUN_JOB), str(Task.SHOW_PULSE)}


def test_a_forgotten_session_goes(queued_job: Job) -> None:
    learner = MetaLearner.objects.create(owner=queued_job.owner, job=queued_job, name="learner")
    session = AdaptationSession.objects.create(learner=learner)
    keep_time()
    assert AdaptationSession.objects.exists()
    AdaptationSession.objects.filter(pk=session.pk).update(
        created_at=timezone.now() - timedelta(hours=1)
    )
    keep_time()
    assert not AdaptationSession.objects.exists()
