"""Jobs on a pool with a quarantined model stop."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db.models import QuerySet

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.core.errors import DomainError
from marketplace.jobs import quarantine
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from marketplace.jobs.quarantine import jobs_stop_quarantined
from marketplace.jobs.services import job_resume
from marketplace.jobs.states import JobState

WHY = "It was trained on pictures of people."


def model_of(job: Job) -> Checkpoint:
    """The first model of the job's pool."""
    model = job.pool.checkpoints.first()
    assert model is not None
    return model


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (JobState.QUEUED, JobState.CANCELLED),
        (JobState.RUNNING, JobState.CANCELLING),
        (JobState.SUCCEEDED, JobState.SUCCEEDED),
        (JobState.FAILED, JobState.FAILED),
    ],
)
def test_jobs_that_use_it_stop_and_say_so_without_name_and_reason(
    job: Job, sam: User, state: JobState, after: JobState
) -> None:
    type(job).objects.filter(pk=job.pk).update(state=state)
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert job.state == state
    model = model_of(job)
    checkpoint_quarantine(checkpoint=model, by=sam, reason=WHY)
    jobs_stop_quarantined()
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert job.state == after
    assert (job.error == quarantine.TAKEN_OUT) == (state in {JobState.QUEUED, JobState.RUNNING})
    assert job.events.filter(text__contains=quarantine.TAKEN_OUT).count() == int(state != after)
    assert not job.events.filter(text__contains=WHY).exists()


def test_a_stopped_job_is_resumed_when_the_quarantine_is_lifted(
    job: Job, sam: User, alice: User
) -> None:
    model = model_of(job)
    checkpoint_quarantine(checkpoint=model, by=sam, reason=WHY)
    jobs_stop_quarantined()
    with pytest.raises(DomainError, match="in quarantine"):
        job_resume(job=job, by=alice)
    checkpoint_release(checkpoint=model, by=sam)
    job = job_resume(job=job, by=alice)
    assert (job.state, job.error) == (JobState.QUEUED, "")


def meanwhile(monkeypatch: pytest.MonkeyPatch, happening: Callable[..., Any]) -> None:
    """Let something happen between the tick's look at the jobs and its write."""
    stop = quarantine.job_stop

    def late(job: Job, reason: str) -> None:
        happening()
        stop(job=job, reason=reason)

    monkeypatch.setattr(quarantine, "job_stop", late)


def test_a_job_that_a_worker_takes_at_that_moment_is_met_by_the_next_tick(
    job: Job, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_quarantine(checkpoint=model_of(job), by=sam, reason=WHY)
    with monkeypatch.context() as patched:
        meanwhile(patched, lambda: job_claim(job_id=job.pk, worker="here"))
        jobs_stop_quarantined()
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.RUNNING, "")
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLING and job.error == quarantine.TAKEN_OUT


def test_a_quarantine_that_is_lifted_at_that_moment_stops_nothing(
    job: Job, sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = checkpoint_quarantine(checkpoint=model_of(job), by=sam, reason=WHY)
    distinct = QuerySet.distinct

    def late(rows: QuerySet[Any], *fields: Any) -> list[Job]:
        found = list(distinct(rows, *fields))
        checkpoint_release(checkpoint=model, by=sam)
        return found

    monkeypatch.setattr(QuerySet, "distinct", late)
    jobs_stop_quarantined()
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.QUEUED, "")


def test_what_older_versions_wrote_into_jobs_is_forgotten_by_a_migration(job: Job) -> None:
    named = f"The model “birds” is in quarantine: {WHY}"
    type(job).objects.update(error=named)
    job.events.create(text=f"Stopped. {named}")
    job.events.create(text=f"Failed: {named}")
    job.events.create(text="Cancelled by alice.")
    migration = import_module("marketplace.jobs.migrations.0002_neutral_quarantine_texts")
    migration.forget_names(apps, None)
    job.refresh_from_db()
    assert job.error == quarantine.TAKEN_OUT
    assert [event.text for event in job.events.all()][1:] == [
        f"Stopped. {quarantine.TAKEN_OUT}",
        f"Failed: {quarantine.TAKEN_OUT}",
        "Cancelled by alice.",
    ]
