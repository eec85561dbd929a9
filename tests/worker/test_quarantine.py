"""What is in quarantine is neither loaded nor trained with, however its job came to a worker."""

from pathlib import Path
from typing import Any

import pytest

from contract.declared import DeclaredFile
from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.jobs.quarantine import TAKEN_OUT
from marketplace.jobs.states import JobState
from marketplace.pools.models import PoolMember
from metalearn.checkpoint import make_teacher, write_checkpoint
from metalearn.errors import InvalidPool
from metalearn.networks import NetworkSpec, build_network
from worker.clock import keep_time
from worker.loading import build_algorithm, load_teacher
from worker.runner import run_job

WHY = "It was trained on pictures of people."
CLASSES = ("cat", "dog", "fox")


@pytest.fixture
def model(queued_job: Job, tmp_path: Path) -> Checkpoint:
    """A real model in the pool of a job that waits."""
    statistics: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
    declared = DeclaredFile(image_size=32, class_names=CLASSES, **statistics)
    network = build_network(NetworkSpec("conv4", 4, 3, 32, len(CLASSES)))
    write_checkpoint(make_teacher(network.state_dict(), declared), tmp_path / "model")
    row = Checkpoint.objects.create(
        owner=queued_job.owner,
        name="faces",
        licence=Licence.MIT,
        class_names=list(CLASSES),
        image_size=32,
        channels=3,
        architecture="conv4",
        consent_recovery=True,
        upload_bytes=1,
        state=CheckpointState.VALID,
        **{name: list(values) for name, values in statistics.items()},
    )
    storage.put_file(storage.checkpoint_key(row.pk), tmp_path / "model")
    PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=0)
    return row


@pytest.fixture
def held(model: Checkpoint) -> Checkpoint:
    """The same, put into quarantine after the launch."""
    staff = User.objects.create_superuser("sam", password="pw")
    return checkpoint_quarantine(checkpoint=model, by=staff, reason=WHY)


@pytest.mark.parametrize(
    ("before", "after"),
    [(JobState.QUEUED, JobState.CANCELLED), (JobState.RUNNING, JobState.CANCELLING)],
)
def test_the_clocks_tick_stops_its_jobs(
    queued_job: Job, held: Checkpoint, before: JobState, after: JobState
) -> None:
    Job.objects.filter(pk=queued_job.pk).update(state=before)
    keep_time()
    queued_job.refresh_from_db()
    assert queued_job.state == after
    assert queued_job.error == TAKEN_OUT


def test_the_clocks_tick_leaves_other_jobs_alone(queued_job: Job, model: Checkpoint) -> None:
    keep_time()
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.error) == (JobState.QUEUED, "")


def test_a_job_that_a_worker_took_before_the_tick_fails_and_says_so(
    queued_job: Job, held: Checkpoint
) -> None:
    run_job(str(queued_job.pk), build=build_algorithm)
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.FAILED
    assert queued_job.error == TAKEN_OUT
    assert queued_job.attempt == 1 and queued_job.steps_done == 0


def test_it_is_loaded_before_and_after_but_not_meanwhile(held: Checkpoint) -> None:
    with pytest.raises(InvalidPool, match=TAKEN_OUT):
        load_teacher(held)
    assert load_teacher(checkpoint_release(checkpoint=held, by=None)).class_names == CLASSES
