"""A model that is deleted while a job runs: the job ends, and keeps nothing of it."""

from collections.abc import Callable

import pytest

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.consent import DELETED
from marketplace.jobs.models import Job
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool, PoolMember
from marketplace.pools.services import pool_freeze
from tests.worker.toy import Toy, build_toy
from worker.clock import keep_time
from worker.loading import build_algorithm
from worker.runner import run_job

Stored = Callable[[str], list[str]]


@pytest.fixture
def model(queued_job: Job) -> Checkpoint:
    """Bob's model in the frozen pool of Alice's job."""
    row = Checkpoint.objects.create(
        owner=User.objects.create_user("bob"),
        name="faces",
        image_size=32,
        channels=3,
        consent_recovery=True,
        upload_bytes=1,
        state=CheckpointState.VALID,
    )
    PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=0)
    pool_freeze(pool=queued_job.pool)
    return row


def test_a_job_that_a_worker_takes_before_the_tick_fails_and_says_so(
    queued_job: Job, model: Checkpoint
) -> None:
    checkpoint_delete(checkpoint=model)
    run_job(str(queued_job.pk), build=build_algorithm)
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (JobState.FAILED, DELETED)
    assert not Pool.objects.get().is_frozen


def test_a_run_ends_with_its_step_and_its_snapshots_go(
    queued_job: Job, model: Checkpoint, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Toy.step

    def step_and_delete(self: Toy) -> object:
        if self.steps_done == 1:
            checkpoint_delete(checkpoint=model)
            keep_time()
        return step(self)

    monkeypatch.setattr(Toy, "step", step_and_delete)
    monkeypatch.setattr("worker.reporting.REPORT_EVERY_S", 0)
    run_job(str(queued_job.pk), build=lambda job: build_toy())
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (JobState.CANCELLED, DELETED)
    keep_time()
    assert not stored(storage.snapshot_prefix(queued_job.pk))
    assert Pool.objects.get().is_frozen


def test_what_is_finished_before_the_tick_is_not_published(
    queued_job: Job, model: Checkpoint, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Toy.step

    def step_and_delete(self: Toy) -> object:
        if self.steps_done == self.total_steps - 1:
            checkpoint_delete(checkpoint=model)
        return step(self)

    monkeypatch.setattr(Toy, "step", step_and_delete)
    run_job(str(queued_job.pk), build=lambda job: build_toy())
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (JobState.FAILED, DELETED)
    assert not MetaLearner.objects.exists() and not stored("learners")
