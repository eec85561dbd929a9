"""The lease is renewed while a step takes long, and not after the job has gone to another."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from marketplace.core.models import WorkerPulse
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from marketplace.jobs.states import JobState
from worker.lease import EXIT_STATUS, JobHeartbeat


@pytest.fixture
def job(queued_job: Job, settings: Settings) -> Job:
    settings.HEARTBEAT_S = 0.02
    return job_claim(job_id=queued_job.pk, worker="here")


def wait_for(look: Callable[..., Any], seconds: int = 30) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        # Threads that share a database in memory are not made to wait for one another.
        with suppress(OperationalError):
            if look():
                return True
        time.sleep(0.01)
    return False


def lease() -> datetime:
    until = Job.objects.values_list("lease_until", flat=True).get()
    assert until is not None
    return until


def test_a_long_step_keeps_its_lease(job: Job) -> None:
    before = lease()
    with JobHeartbeat(job):
        assert wait_for(lambda: lease() > before)
        assert wait_for(WorkerPulse.objects.filter(queue="gpu").exists)


def test_it_stops_when_the_job_has_gone_to_another_worker(job: Job) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Job.objects.update(attempt=job.attempt + 1, lease_until=long_ago)
    with JobHeartbeat(job) as heartbeat:
        assert wait_for(lambda: not heartbeat._thread.is_alive())
    assert lease() == long_ago


def test_it_outlives_a_database_that_is_away(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [OperationalError("gone"), OperationalError("gone")]
    renewed = []

    def renew(*, job: Job) -> None:
        if answers:
            raise answers.pop()
        renewed.append(job)

    monkeypatch.setattr("worker.lease.job_renew_lease", renew)
    with JobHeartbeat(job):
        assert wait_for(lambda: renewed)


class Ended(BaseException):
    """Instead of the end of the whole process."""


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> list[Any]:
    """The statuses with which the process would have ended; a step may take a fifth of a second."""
    statuses = []

    def end(status: int) -> None:
        statuses.append(status)
        raise Ended

    settings.STEP_LIMIT_S = 0.2
    monkeypatch.setattr("worker.lease.os._exit", end)
    monkeypatch.setattr("threading.excepthook", lambda _: None)
    return statuses


def test_a_step_that_hangs_is_a_lost_attempt_and_ends_the_process(
    job: Job, ends: list[Any], sent: list[Any]
) -> None:
    with JobHeartbeat(job):
        assert wait_for(lambda: ends)
    assert ends == [EXIT_STATUS]
    job.refresh_from_db()
    assert (job.state, job.lost_attempts) == (JobState.QUEUED, 1)
    assert "No step ended within" in job.events.last().text
    assert sent


def test_a_job_that_hangs_in_every_attempt_fails_and_says_why(
    queued_job: Job, ends: list[Any], settings: Settings, sent: list[Any]
) -> None:
    settings.HEARTBEAT_S = 0.02
    for _ in range(settings.MAX_LOST_ATTEMPTS):
        job = job_claim(job_id=queued_job.pk, worker="here")
        ends.clear()
        with JobHeartbeat(job):
            assert wait_for(lambda: ends)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert job.error.startswith("No step ended within")


def test_steps_that_end_in_time_may_go_on_for_as_long_as_they_like(
    job: Job, ends: list[Any]
) -> None:
    with JobHeartbeat(job) as heartbeat:
        until = time.monotonic() + 0.6
        while time.monotonic() < until:
            heartbeat.step_done()
            time.sleep(0.01)
    assert ends == []
    assert Job.objects.get().state == JobState.RUNNING


def test_without_a_limit_a_step_may_take_for_ever(
    job: Job, ends: list[Any], settings: Settings
) -> None:
    settings.STEP_LIMIT_S = 0
    with JobHeartbeat(job):
        time.sleep(0.4)
    assert ends == []


def test_a_process_that_hangs_ends_also_without_a_database(
    job: Job, ends: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("worker.lease.job_lose", away)
    with caplog.at_level(logging.ERROR), JobHeartbeat(job):
        assert wait_for(lambda: ends)
    assert "could not be released" in caplog.text
    assert Job.objects.get().state == JobState.RUNNING
