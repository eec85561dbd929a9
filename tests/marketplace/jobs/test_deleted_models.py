"""Jobs on a pool with a deleted model: they stop, do not start again, and forget its name."""

import pytest

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import DomainError
from marketplace.jobs.consent import DELETED, jobs_stop_withdrawn
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_log
from marketplace.jobs.services import job_launch, job_resume
from marketplace.jobs.states import JobState

GONE = "A model of this pool was deleted by its owner; make a new pool."


@pytest.fixture
def model(job: Job) -> Checkpoint:
    """A model of the job's pool."""
    row = job.pool.checkpoints.first()
    assert row is not None
    return row


def test_a_job_that_waits_stops_and_says_why_without_its_name(job: Job, model: Checkpoint) -> None:
    checkpoint_delete(checkpoint=model)
    jobs_stop_withdrawn()
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.CANCELLED, DELETED)


def test_no_job_starts_or_resumes_on_it(job: Job, model: Checkpoint, alice: User) -> None:
    Job.objects.update(state=JobState.FAILED, steps_done=3)
    checkpoint_delete(checkpoint=model)
    with pytest.raises(DomainError) as refused:
        job_launch(owner=alice, pool=job.pool, algorithm="free", settings={})
    assert str(refused.value) == GONE
    with pytest.raises(DomainError) as refused:
        job_resume(job=job, by=alice)
    assert str(refused.value) == GONE


def test_logs_and_errors_forget_its_name_and_nothing_else(job: Job, model: Checkpoint) -> None:
    other = job.pool.checkpoints.last()
    job_log(job=job, text=f"“{model.name}” gives no finite numbers; “{other}” does.")
    Job.objects.update(state=JobState.FAILED, steps_done=3, error=f"Leave “{model.name}” out.")
    job_log(job=job, text=f"“{model.name}”" * 50)
    checkpoint_delete(checkpoint=model)
    job.refresh_from_db()
    assert job.error == "Leave a deleted model out."
    texts = [event.text for event in job.events.all()]
    assert len(texts.pop()) == 500
    assert texts[-1] == f"a deleted model gives no finite numbers; “{other}” does."
    assert not [text for text in texts if f"“{model.name}”" in text]
