"""Reads about jobs."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.selectors import (
    job_curves,
    job_events,
    job_waits,
    jobs_editable_by,
    jobs_visible_to,
    previews_consented,
    previews_shown,
)
from marketplace.jobs.states import JobState


@pytest.mark.parametrize("state", list(JobState))
def test_only_a_job_in_the_queue_waits_for_a_worker(job: Job, state: JobState) -> None:
    Job.objects.filter(pk=job.pk).update(state=state)
    assert job_waits(str(job.pk)) == (state == JobState.QUEUED)
    assert not job_waits("00000000-0000-0000-0000-000000000000")


def test_a_job_is_seen_by_whom_it_is_shared_with_and_says_whether_its_pool_is(
    job: Job, shared: Any, alice: User, bob: User, charlie: User
) -> None:
    Job.objects.update(**shared.team)
    assert [row.pk for row in jobs_visible_to(bob)] == [job.pk]
    assert not jobs_visible_to(charlie).exists()
    shown = [vars(jobs_visible_to(user).get())["pool_shown"] for user in (alice, bob)]
    assert shown == [True, False]
    assert jobs_editable_by(alice).exists() and not jobs_editable_by(bob).exists()


def test_curves_and_log_are_read_from_where_one_has_come(job: Job) -> None:
    for name, step in (("loss", 2), ("loss", 1), ("accuracy", 2)):
        MetricPoint.objects.create(job=job, name=name, step=step, value=step)
    assert job_curves(job) == {"loss": [[1, 1.0], [2, 2.0]], "accuracy": [[2, 2.0]]}
    assert job_curves(job, since=1) == {"loss": [[2, 2.0]], "accuracy": [[2, 2.0]]}
    last = job.events.create(text="last")
    assert list(job_events(job, since=last.pk - 1)) == [last]


def test_previews_need_the_consent_of_now_and_a_person_who_sees_every_model(
    launch: Callable[..., Job], alice: User, charlie: User
) -> None:
    Checkpoint.objects.update(consent_preview=True)
    job = launch()
    assert job.previews and previews_consented(job) and previews_shown(alice, job)
    assert not previews_shown(charlie, job)
    first = job.pool.checkpoints.first()
    assert first is not None
    Checkpoint.objects.filter(pk=first.pk).update(consent_preview=False)
    assert not previews_consented(job) and not previews_shown(alice, job)
