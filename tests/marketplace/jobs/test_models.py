"""The row of a job."""

from marketplace.jobs.models import Job


def test_a_job_is_named_after_its_algorithm_and_pool(job: Job) -> None:
    assert str(job) == f"FREE on {job.pool}"
