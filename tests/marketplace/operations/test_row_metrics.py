"""What Prometheus learns from the rows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.core.models import WorkerPulse
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState
from tests.marketplace.operations.prometheus import numbers

pytestmark = pytest.mark.django_db


def test_jobs_are_counted_by_state_and_every_state_has_a_number(job: Job) -> None:
    found = numbers()
    assert found["freehold_jobs", "queued"] == 1
    assert {key[1] for key in found if key[0] == "freehold_jobs"} == set(JobState.values)
    assert found["freehold_jobs", "failed"] == 0
    Job.objects.update(created_at=timezone.now() - timedelta(seconds=90))
    assert numbers()["freehold_job_longest_wait_seconds",] >= 90


def test_durations_and_lost_attempts_come_from_the_rows(job: Job) -> None:
    now = timezone.now()
    Job.objects.update(
        state=JobState.SUCCEEDED,
        started_at=now - timedelta(seconds=100),
        finished_at=now,
        lost_attempts=2,
    )
    found = numbers()
    name = "freehold_job_duration_seconds"
    assert found[f"{name}_sum", "succeeded"] == pytest.approx(100)
    assert found[f"{name}_bucket", "60.0", "succeeded"] == 0
    assert found[f"{name}_bucket", "300.0", "succeeded"] == 1
    assert found[f"{name}_bucket", "+Inf", "succeeded"] == 1
    assert found["freehold_job_lost_attempts_total",] == 2


def test_workers_are_counted_by_queue_and_the_silence_of_the_last_is_told() -> None:
    for name, queue, age in (("a", "gpu", 5), ("b", "gpu", 300), ("c", "quick", 90)):
        at = timezone.now() - timedelta(seconds=age)
        WorkerPulse.objects.create(name=name, queue=queue, at=at)
    found = numbers()
    assert (found["freehold_workers", "gpu"], found["freehold_workers", "quick"]) == (1, 0)
    assert found["freehold_worker_silent_seconds", "gpu"] == pytest.approx(5, abs=2)
    assert found["freehold_worker_silent_seconds", "quick"] == pytest.approx(90, abs=2)
