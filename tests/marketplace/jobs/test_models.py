"""The row of a job."""

import pytest

from marketplace.jobs.models import Job


def test_a_job_is_named_after_its_algorithm_and_pool(job: Job) -> None:
    assert str(job) == f"FREE on {job.pool}"


@pytest.mark.parametrize(
    ("done", "total", "percent"), [(0, 0, 0), (1, 3, 33), (299, 300, 99), (300, 300, 100)]
)
def test_progress_is_rounded_down(done: int, total: int, percent: int) -> None:
    assert Job(steps_done=done, total_steps=total).percent == percent


def test_a_job_that_has_ended_is_final_and_one_that_ends_is_not() -> None:
    states = ("queued", "running", "cancelling", "cancelled", "failed", "succeeded")
    assert [state for state in states if Job(state=state).is_final] == list(states[3:])
