"""An owner who withdraws the consent to recovery stops jobs that run, and nothing is kept."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import torch
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.consent import WITHDRAWN
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool, PoolMember
from metalearn.errors import InvalidPool
from tests.worker.toy import Toy, build_toy
from worker.clock import keep_time
from worker.loading import build_algorithm
from worker.runner import run_job
from worker.snapshots import StoredSnapshots

Stored = Callable[[str], list[str]]


@pytest.fixture
def model(queued_job: Job) -> Checkpoint:
    """Bob's model in the pool of Alice's job."""
    row = Checkpoint.objects.create(
        owner=User.objects.create_user("bob"),
        name="faces",
        class_names=["cat", "dog"],
        image_size=32,
        channels=3,
        mean=[0.5] * 3,
        std=[0.25] * 3,
        consent_recovery=True,
        upload_bytes=1,
        state=CheckpointState.VALID,
    )
    PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=0)
    return row


def withdraw(model: Checkpoint) -> None:
    checkpoint_change(checkpoint=model, by=model.owner, values={"consent_recovery": False})


@pytest.mark.parametrize(
    ("before", "after"),
    [(JobState.QUEUED, JobState.CANCELLED), (JobState.RUNNING, JobState.CANCELLING)],
)
def test_the_next_tick_stops_what_waits_and_what_runs(
    queued_job: Job, model: Checkpoint, before: JobState, after: JobState
) -> None:
    far = timezone.now() + timedelta(seconds=30)
    Job.objects.filter(pk=queued_job.pk).update(state=before, lease_until=far)
    withdraw(model)
    keep_time()
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (after, WITHDRAWN)
    assert [event.text for event in queued_job.events.all()] == [f"Stopped. {WITHDRAWN}"]
    assert model.name not in queued_job.error


@pytest.mark.parametrize("ended", [JobState.CANCELLED, JobState.FAILED])
def test_what_ended_jobs_have_recovered_from_the_model_is_forgotten_at_once(
    queued_job: Job, model: Checkpoint, stored: Stored, ended: JobState
) -> None:
    Job.objects.filter(pk=queued_job.pk).update(state=JobState.RUNNING)
    queued_job.refresh_from_db()
    StoredSnapshots().save(queued_job, 3, {"images": torch.rand(2, 3, 8, 8)})
    Job.objects.filter(pk=queued_job.pk).update(state=ended, finished_at=timezone.now())
    keep_time()
    prefix = storage.snapshot_prefix(queued_job.pk)
    assert stored(prefix)
    withdraw(model)
    keep_time()
    assert not stored(prefix)
    queued_job.refresh_from_db()
    assert queued_job.snapshot_secret == ""


def test_jobs_on_other_pools_go_on(queued_job: Job, model: Checkpoint) -> None:
    other = Pool.objects.create(owner=queued_job.owner, name="another pool")
    Job.objects.filter(pk=queued_job.pk).update(pool=other)
    withdraw(model)
    keep_time()
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (JobState.QUEUED, "")


def test_a_job_that_a_worker_took_before_the_tick_fails_and_says_so(
    queued_job: Job, model: Checkpoint
) -> None:
    withdraw(model)
    run_job(str(queued_job.pk), build=build_algorithm)
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (JobState.FAILED, WITHDRAWN)
    assert queued_job.steps_done == 0
    with pytest.raises(InvalidPool, match="withdrew"):
        build_algorithm(queued_job)


def test_a_run_ends_with_the_step_in_which_the_consent_goes(
    queued_job: Job, model: Checkpoint, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Toy.step

    def step_and_withdraw(self: Toy) -> object:
        if self.steps_done == 1:
            withdraw(model)
            keep_time()
        return step(self)

    monkeypatch.setattr(Toy, "step", step_and_withdraw)
    monkeypatch.setattr("worker.reporting.REPORT_EVERY_S", 0)
    run_job(str(queued_job.pk), build=lambda job: build_toy())
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.CANCELLED
    assert queued_job.steps_done < queued_job.total_steps
    keep_time()
    assert not stored(storage.snapshot_prefix(queued_job.pk))
