"""Reads about jobs."""

import pytest

from marketplace.jobs.models import Job
from marketplace.jobs.selectors import job_waits
from marketplace.jobs.states import JobState


@pytest.mark.parametrize("state", list(JobState))
def test_only_a_job_in_the_queue_waits_for_a_worker(job: Job, state: JobState) -> None:
    Job.objects.filter(pk=job.pk).update(state=state)
    assert job_waits(str(job.pk)) == (state == JobState.QUEUED)
    assert not job_waits("00000000-0000-0000-0000-000000000000")
