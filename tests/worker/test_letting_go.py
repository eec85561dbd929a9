"""How a worker lets go of a job that it cannot go on with: no memory, or no time to wait."""

import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from marketplace.jobs.models import Job
from marketplace.jobs.services import job_cancel
from marketplace.jobs.states import JobState
from metalearn.algorithm import StepReport
from tests.worker.running import After, run
from tests.worker.toy import build_toy
from worker import shutdown
from worker.retry import OutOfMemory


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("can't allocate memory")])
def test_out_of_memory_is_a_lost_attempt_and_after_three_the_job_fails(
    queued_job: Job, settings: Settings, sent: list[Any], error: RuntimeError
) -> None:
    def eat(job: Job) -> None:
        raise error

    for attempt in range(1, settings.MAX_LOST_ATTEMPTS + 1):
        # Not the MemoryError itself, by which Celery's parent would end as well.
        with pytest.raises(OutOfMemory):
            run(queued_job, build=After(2, eat))
        queued_job.refresh_from_db()
        assert queued_job.lost_attempts == attempt
    assert queued_job.state == JobState.FAILED
    assert "ran out of memory" in queued_job.error
    assert len(sent) == settings.MAX_LOST_ATTEMPTS - 1


def test_out_of_memory_in_a_job_that_is_to_end_cancels_it(queued_job: Job) -> None:
    def eat(job: Job) -> None:
        job_cancel(job=Job.objects.get(pk=job.pk), by=job.owner)
        raise MemoryError

    with pytest.raises(OutOfMemory):
        run(queued_job, build=After(2, eat))
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.CANCELLED


def test_a_parent_that_hears_of_it_does_not_load_torch() -> None:
    code = "import sys, worker.retry; sys.exit('torch' in sys.modules)"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("error", [OperationalError("gone"), OSError(28, "No space left")])
def test_a_worker_that_is_to_stop_gives_the_job_back_rather_than_wait(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def stop_while_something_is_away(job: Job) -> None:
        monkeypatch.setattr(shutdown, "requested", lambda: True)
        raise error

    with pytest.raises(type(error)):
        run(queued_job, build=After(2, stop_while_something_is_away))
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.lost_attempts) == (JobState.QUEUED, 0)


def test_a_worker_that_is_to_stop_leaves_a_cancelled_job_to_the_clock(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_after_a_cancel(job: Job) -> None:
        job_cancel(job=Job.objects.get(pk=job.pk), by=job.owner)
        monkeypatch.setattr(shutdown, "requested", lambda: True)
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        run(queued_job, build=After(2, stop_after_a_cancel))
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.CANCELLING


@pytest.mark.long
def test_a_step_that_hangs_loses_the_attempt_and_slow_steps_before_it_do_not(
    queued_job: Job, settings: Settings, monkeypatch: pytest.MonkeyPatch, sent: list[Any]
) -> None:
    settings.HEARTBEAT_S, settings.STEP_LIMIT_S = 0.1, 1.5
    monkeypatch.setattr("worker.reporting.REPORT_EVERY_S", 0)
    ended, toy = Event(), build_toy()
    monkeypatch.setattr("worker.lease.os._exit", lambda status: ended.set())
    take_step = toy.step

    def step() -> StepReport:
        if toy.steps_done < 3:
            time.sleep(0.7)
        else:
            assert ended.wait(60)
        return take_step()

    monkeypatch.setattr(toy, "step", step)
    job = run(queued_job, build=lambda job: toy)
    assert (job.state, job.lost_attempts, job.steps_done) == (JobState.QUEUED, 1, 3)
