"""Who may do what with a job."""

import pytest
from django.contrib.auth.models import AnonymousUser

from marketplace.accounts.models import User
from marketplace.jobs.models import Job
from marketplace.jobs.permissions import can_cancel_job, can_resume_job
from marketplace.jobs.states import JobState


@pytest.mark.parametrize("state", JobState)
def test_its_owner_cancels_what_is_under_way_and_resumes_what_was_stopped(
    job: Job, alice: User, state: JobState
) -> None:
    job.state = state
    assert can_cancel_job(alice, job) is (state in {JobState.QUEUED, JobState.RUNNING})
    assert can_resume_job(alice, job) is (state in {JobState.CANCELLED, JobState.FAILED})


def test_others_do_neither(job: Job, bob: User) -> None:
    for person in (bob, AnonymousUser()):
        job.state = JobState.RUNNING
        assert not can_cancel_job(person, job)
        job.state = JobState.FAILED
        assert not can_resume_job(person, job)
