"""The lease is renewed while a step takes long, and not after the job has gone to another."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from marketplace.core.models import WorkerPulse
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from worker.heartbeat import Heartbeat


@pytest.fixture
def job(queued_job, settings):
    settings.HEARTBEAT_S = 0.02
    return job_claim(job_id=queued_job.pk, worker="here")


def wait_for(look, seconds=5):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if look():
            return True
        time.sleep(0.01)
    return False


def lease():
    return Job.objects.values_list("lease_until", flat=True).get()


def test_a_long_step_keeps_its_lease(job):
    before = lease()
    with Heartbeat(job):
        assert wait_for(lambda: lease() > before)
    assert WorkerPulse.objects.filter(queue="gpu").exists()


def test_it_stops_when_the_job_has_gone_to_another_worker(job):
    long_ago = timezone.now() - timedelta(hours=1)
    Job.objects.update(attempt=job.attempt + 1, lease_until=long_ago)
    with Heartbeat(job) as heartbeat:
        assert wait_for(lambda: not heartbeat._thread.is_alive())
    assert lease() == long_ago


def test_it_outlives_a_database_that_is_away(job, monkeypatch):
    answers = [OperationalError("gone"), OperationalError("gone")]
    renewed = []

    def renew(*, job):
        if answers:
            raise answers.pop()
        renewed.append(job)

    monkeypatch.setattr("worker.heartbeat.job_renew_lease", renew)
    with Heartbeat(job):
        assert wait_for(lambda: renewed)
