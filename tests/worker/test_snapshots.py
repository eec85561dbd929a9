"""Snapshots come back as they went, open for their own job only, and are never in clear."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import torch
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings
from torch import Tensor

from marketplace import storage
from marketplace.jobs.models import Job
from marketplace.jobs.moves import LeaseLost, job_claim, job_move, job_requeue
from marketplace.jobs.services import job_resume
from marketplace.jobs.states import JobState
from worker.snapshots import (
    StoredSnapshots,
    decode_state,
    delete_abandoned,
    delete_finished,
    encode_state,
)

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
states = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(states)
def test_plain_values_come_back_as_they_went(state: Any) -> None:
    assert decode_state(encode_state({"state": state})) == {"state": state}


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6, dtype=torch.uint8).view(2, 3),
        torch.randn(3, 4).bfloat16(),
        torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.tensor(1.5),
        torch.zeros(0, 3),
        torch.tensor([True, False]),
        torch.randn(4, 4).t(),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)}",
)
def test_tensors_come_back_bit_by_bit(tensor: Tensor) -> None:
    back = decode_state(encode_state({"a": tensor, "shared": [tensor, {3: tensor}]}))
    assert back["a"].dtype == tensor.dtype
    assert torch.equal(back["a"], tensor)
    if tensor.dim() == 4:
        assert back["a"].stride() == tensor.stride()
    assert torch.equal(back["shared"][1][3], tensor)


def test_what_cannot_be_saved_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="a set cannot be part of a snapshot"):
        encode_state({"a": {1, 2}})


@pytest.fixture
def job(queued_job: Job) -> Job:
    """A job that this test's worker has claimed."""
    return job_claim(job_id=queued_job.pk, worker="here")


def test_the_newest_snapshot_is_loaded_and_old_ones_go(
    job: Job, stored: Callable[..., Any]
) -> None:
    snapshots = StoredSnapshots()
    for step in (1, 2, 3, 10):
        snapshots.save(job, step, {"step": step})
    assert snapshots.load(job) == {"step": 10}
    assert len(stored("snapshots")) == 2


def test_a_damaged_snapshot_is_passed_over(job: Job, stored: Callable[..., Any]) -> None:
    snapshots = StoredSnapshots()
    snapshots.save(job, 1, {"step": 1})
    snapshots.save(job, 2, {"step": 2})
    newest = stored("snapshots")[-1]
    with default_storage.open(newest) as file:
        damaged = file.read()[:-1]
    storage.put_stream(newest, ContentFile(damaged))
    assert snapshots.load(job) == {"step": 1}


def test_a_later_attempt_comes_first_even_at_an_earlier_step(job: Job) -> None:
    snapshots = StoredSnapshots()
    snapshots.save(job, 50, {"attempt": 1})
    job_requeue(job=job)
    job = job_claim(job_id=job.pk, worker="the next one")
    snapshots.save(job, 40, {"attempt": 2})
    assert snapshots.load(job) == {"attempt": 2}


def test_without_the_jobs_secret_nothing_can_be_read(job: Job) -> None:
    snapshots = StoredSnapshots()
    snapshots.save(job, 1, {"step": 1})
    job.snapshot_secret = ""
    assert snapshots.load(job) is None


def test_recovered_images_are_never_written_in_clear(job: Job, stored: Callable[..., Any]) -> None:
    images = torch.arange(251, dtype=torch.uint8).repeat(8)
    StoredSnapshots().save(job, 1, {"memory": images})
    (key,) = stored("snapshots")
    with default_storage.open(key) as file:
        written = file.read()
    assert bytes(range(100, 116)) in encode_state({"memory": images})
    assert bytes(range(100, 116)) not in written


def test_a_worker_that_wakes_up_too_late_leaves_no_snapshot(
    job: Job, stored: Callable[..., Any]
) -> None:
    snapshots = StoredSnapshots()
    zombie = Job.objects.get()
    snapshots.save(job, 5, {"step": 5})
    job_requeue(job=job)
    successor = job_claim(job_id=job.pk, worker="the next one")
    snapshots.save(successor, 6, {"step": 6})
    with pytest.raises(LeaseLost):
        snapshots.save(zombie, 9, {"step": 9})
    assert snapshots.load(successor) == {"step": 6}
    names = {key.rpartition("/")[2] for key in stored("snapshots")}
    assert names == {"000001-000000005.snapshot", "000002-000000006.snapshot"}


def test_what_a_worker_left_that_died_after_the_jobs_end_is_forgotten(
    job: Job, stored: Callable[..., Any]
) -> None:
    StoredSnapshots().save(job, 5, {"step": 5})
    job_move(job=job, to=JobState.SUCCEEDED, finished_at=timezone.now() - timedelta(hours=1))
    delete_finished()
    assert stored("snapshots") == []
    assert Job.objects.get().snapshot_secret == ""


def test_snapshots_of_a_job_that_may_go_on_stay(job: Job) -> None:
    StoredSnapshots().save(job, 5, {"step": 5})
    job_requeue(job=job)
    delete_finished()
    assert StoredSnapshots().load(Job.objects.get()) == {"step": 5}


@pytest.fixture
def ended(job: Job, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """A job with a snapshot that ended so many days ago."""
    monkeypatch.setattr("marketplace.jobs.services.pool_recheck", lambda **_: None)

    def end(state: JobState, days: int) -> Job:
        StoredSnapshots().save(job, 5, {"step": 5})
        ended_at = timezone.now() - timedelta(days=days)
        Job.objects.update(state=state, finished_at=ended_at, steps_done=5)
        return Job.objects.get()

    return end


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_nobody_keeps_the_snapshots_of_an_ended_job_for_ever(
    ended: Callable[..., Job], stored: Callable[..., Any], state: JobState
) -> None:
    row = ended(state, days=29)
    delete_abandoned()
    assert StoredSnapshots().load(row) == {"step": 5}
    Job.objects.update(finished_at=timezone.now() - timedelta(days=31))
    delete_abandoned()
    assert stored("snapshots") == []
    assert Job.objects.get().snapshot_secret == ""


def test_a_job_whose_snapshots_were_deleted_starts_from_the_beginning_and_says_so(
    ended: Callable[..., Job],
) -> None:
    row = ended(JobState.FAILED, days=31)
    delete_abandoned()
    job = job_resume(job=row, by=row.owner)
    assert (job.state, job.steps_done) == (JobState.QUEUED, 0)
    assert len(Job.objects.get().snapshot_secret) == 64
    assert "it starts from the beginning" in job.events.last().text


def test_a_resumed_job_keeps_its_snapshots_however_old_it_is(ended: Callable[..., Job]) -> None:
    row = ended(JobState.CANCELLED, days=31)
    job = job_resume(job=row, by=row.owner)
    delete_abandoned()
    assert StoredSnapshots().load(job) == {"step": 5}


def test_an_operator_may_keep_snapshots_for_ever(
    ended: Callable[..., Job], settings: Settings
) -> None:
    settings.SNAPSHOT_DAYS = 0
    row = ended(JobState.FAILED, days=3000)
    delete_abandoned()
    assert StoredSnapshots().load(row) == {"step": 5}
