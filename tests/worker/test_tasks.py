"""A message becomes work only while its job waits."""

import pytest
from django.db import OperationalError

from marketplace.jobs.moves import job_claim
from worker import messages, runner, tasks


@pytest.fixture
def runs(monkeypatch):
    """The jobs that came as far as the code that loads torch."""
    ids = []
    monkeypatch.setattr(runner, "run_job", ids.append)
    return ids


def test_a_waiting_job_is_run(queued_job, runs):
    tasks.run_job(str(queued_job.pk))
    assert runs == [str(queued_job.pk)]


def test_a_message_for_a_job_that_is_at_work_costs_a_look_and_no_torch(queued_job, runs):
    job_claim(job_id=queued_job.pk, worker="another")
    tasks.run_job(str(queued_job.pk))
    assert runs == []


def test_a_database_that_is_away_is_waited_for_by_the_run_itself(queued_job, runs, monkeypatch):
    def away(_):
        raise OperationalError("gone")

    monkeypatch.setattr(messages, "job_waits", away)
    tasks.run_job(str(queued_job.pk))
    assert runs == [str(queued_job.pk)]
