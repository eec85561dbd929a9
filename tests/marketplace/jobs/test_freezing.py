"""A job that ended before its first step does not freeze its pool."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps

from marketplace.accounts.models import User
from marketplace.core.errors import Conflict, DomainError
from marketplace.jobs.freezing import jobs_using, pool_thaw_unused
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.moves import IllegalMove, job_claim, job_lose, job_move, job_report
from marketplace.jobs.services import job_cancel, job_resume
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_change_checkpoints, pool_delete


@pytest.fixture
def frozen(job: Job) -> Callable[[], bool]:
    """Whether the job's pool is frozen now."""
    return lambda: Pool.objects.get(pk=job.pool_id).is_frozen


def run(job: Job, *, steps: int = 0) -> Job:
    claimed = job_claim(job_id=job.pk, worker="w")
    if steps:
        report: dict[str, Any] = {"stage": "s", "total_steps": 9, "eta_s": None}
        job_report(job=claimed, steps_done=steps, metrics={1: {"loss": 1.0}}, **report)
    return claimed


def test_a_job_that_waits_or_runs_freezes_its_pool(job: Job, frozen: Callable[[], bool]) -> None:
    assert frozen()
    run(job)
    pool_thaw_unused(pool_id=job.pool_id)
    assert frozen()


def test_a_job_that_is_cancelled_while_it_waits_freezes_it_no_longer(
    job: Job, alice: User, frozen: Callable[[], bool], make_checkpoint: Callable[..., Any]
) -> None:
    job_cancel(job=job, by=alice)
    assert not frozen()
    chosen = [make_checkpoint(name).pk for name in ("c", "d")]
    pool_change_checkpoints(pool=job.pool, by=alice, checkpoint_ids=chosen)


@pytest.mark.parametrize("to", [JobState.FAILED, JobState.CANCELLED])
@pytest.mark.parametrize("steps", [0, 1])
def test_a_run_that_ends_freezes_it_if_it_took_a_step(
    job: Job, frozen: Callable[[], bool], to: JobState, steps: int
) -> None:
    running = run(job, steps=steps)
    if to == JobState.CANCELLED:
        job_move(job=running, to=JobState.CANCELLING)
    job_move(job=running, to=to)
    assert frozen() == bool(steps)


def test_a_job_whose_workers_die_before_its_first_step_frees_it(
    job: Job, frozen: Callable[[], bool]
) -> None:
    running = run(job)
    Job.objects.update(lost_attempts=99)
    job_lose(job=running, reason="The worker went silent")
    assert not frozen()


def test_another_job_on_it_keeps_it_frozen(
    job: Job, launch: Callable[..., Job], alice: User, frozen: Callable[[], bool]
) -> None:
    other = launch(seed=1)
    job_cancel(job=job, by=alice)
    assert frozen() and list(jobs_using(job.pool_id)) == [other]
    job_cancel(job=other, by=alice)
    assert not frozen()


def test_steps_of_before_a_start_from_the_beginning_still_count(
    job: Job, alice: User, frozen: Callable[[], bool]
) -> None:
    job_move(job=run(job, steps=3), to=JobState.FAILED)
    Job.objects.update(snapshot_secret="")
    job_resume(job=job, by=alice)
    job_cancel(job=job, by=alice)
    assert Job.objects.get().steps_done == 0 and MetricPoint.objects.exists()
    assert frozen()


def test_a_resumed_job_freezes_it_again(job: Job, alice: User, frozen: Callable[[], bool]) -> None:
    job_cancel(job=job, by=alice)
    job_resume(job=job, by=alice)
    assert frozen()


def test_it_is_not_resumed_on_models_that_do_not_fit_its_settings(
    job: Job, alice: User, frozen: Callable[[], bool], make_checkpoint: Callable[..., Any]
) -> None:
    Job.objects.update(settings={"n_way": 5})
    job_cancel(job=job, by=alice)
    chosen = [make_checkpoint(name, n_classes=2).pk for name in ("c", "d")]
    pool_change_checkpoints(pool=job.pool, by=alice, checkpoint_ids=chosen)
    with pytest.raises(DomainError, match="lower n_way"):
        job_resume(job=job, by=alice)
    assert not frozen() and Job.objects.get().state == JobState.CANCELLED


def test_a_pool_goes_with_the_jobs_that_never_began(job: Job, alice: User) -> None:
    job_cancel(job=job, by=alice)
    pool_delete(pool=job.pool)
    assert not Job.objects.exists() and not Pool.objects.exists()
    for act in (job_cancel, job_resume):
        with pytest.raises(Conflict, match="just been deleted"):
            act(job=job, by=alice)
    with pytest.raises(IllegalMove, match="just been deleted"):
        job_move(job=job, to=JobState.RUNNING)
    with pytest.raises(IllegalMove, match="just been deleted"):
        job_lose(job=job, reason="The worker went silent")


def test_pools_of_before_are_freed_if_no_job_took_a_step(
    job: Job, frozen: Callable[[], bool]
) -> None:
    thaw = import_module("marketplace.jobs.migrations.0004_thaw_unused_pools").thaw
    thaw(apps, None)
    assert frozen()
    Job.objects.update(state=JobState.FAILED, steps_done=1)
    thaw(apps, None)
    assert frozen()
    Job.objects.update(steps_done=0)
    thaw(apps, None)
    assert not frozen()
