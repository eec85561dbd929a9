"""All transitions of a job, and the reports of its worker.

Leases are compared by the database's clock only, so that machines need not agree on the time.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone

from marketplace.core.errors import Conflict
from marketplace.core.leases import from_now
from marketplace.jobs.freezing import pool_thaw_unused
from marketplace.jobs.models import Job, JobEvent, MetricPoint
from marketplace.jobs.states import LEASED, JobState, sources_of
from marketplace.queue import Task, enqueue

POINTS_PER_CURVE = 1000


class IllegalMove(Conflict):
    """The job's state or attempt does not allow this transition."""


class LeaseLost(Exception):
    """Another worker holds the job. This one must stop writing."""


def job_move(*, job: Job, to: JobState, only_from: JobState | None = None, **changes: Any) -> Job:
    """Move the job to another state, or raise IllegalMove.

    A single UPDATE matches only a legal state and the caller's attempt. Of two callers at most one
    succeeds, and a worker that lost its lease cannot change anything.
    """
    sources = sources_of(to)
    if only_from:
        sources &= {only_from}
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=sources)
    if to not in LEASED:
        changes.setdefault("lease_until", None)
    with transaction.atomic():
        if not mine.update(state=to, **changes):
            raise _illegal(job, to)
        if to in {JobState.CANCELLED, JobState.FAILED}:
            pool_thaw_unused(pool_id=job.pool_id)
    job.refresh_from_db()
    return job


def _illegal(job: Job, to: JobState) -> IllegalMove:
    # The caller keeps its attempt, so that it cannot write under its successor's.
    present = Job.objects.only("state").filter(pk=job.pk).first()
    if present is None:
        return IllegalMove("This job has just been deleted.")
    name = present.get_state_display().lower()
    return IllegalMove(f"A job that is {name} cannot become {to}.")


def job_claim(*, job_id: UUID | str, worker: str) -> Job:
    """Move a queued job to running under a new attempt. Raise IllegalMove for a second delivery."""
    job = Job.objects.select_related("pool", "owner").filter(pk=job_id).first()
    if job is None:
        raise IllegalMove("There is no such job.")
    with transaction.atomic():
        job_move(
            job=job,
            to=JobState.RUNNING,
            only_from=JobState.QUEUED,
            attempt=F("attempt") + 1,
            worker=worker[:120],
            started_at=job.started_at or timezone.now(),
            lease_until=lease_from_now(),
        )
        job_log(job=job, text=f"Attempt {job.attempt} on {worker}.")
    return job


def lease_from_now() -> CombinedExpression:
    """Return the end of a lease that starts now, in the database's time."""
    return from_now(timedelta(seconds=settings.LEASE_S))


def job_renew_lease(*, job: Job) -> JobState:
    """Renew the lease. Return the job's state, or raise LeaseLost."""
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=LEASED)
    if not mine.update(lease_until=lease_from_now()):
        raise LeaseLost(f"job {job.pk} attempt {job.attempt}")
    return JobState(Job.objects.values_list("state", flat=True).get(pk=job.pk))


@transaction.atomic
def job_report(
    *,
    job: Job,
    stage: str,
    steps_done: int,
    total_steps: int,
    eta_s: float | None,
    metrics: Mapping[int, Mapping[str, float]],
) -> JobState:
    """Write progress and points (step -> name -> value). Return the state, or raise LeaseLost."""
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=LEASED)
    if not mine.update(
        stage=stage,
        steps_done=steps_done,
        total_steps=total_steps,
        eta_s=eta_s,
        lease_until=lease_from_now(),
    ):
        raise LeaseLost(f"job {job.pk} attempt {job.attempt}")
    stride = max(1, -(-total_steps // POINTS_PER_CURVE))
    points = [
        MetricPoint(job=job, name=name, step=step, value=value)
        for step, values in metrics.items()
        if step % stride == 0 or step in (1, total_steps)
        for name, value in values.items()
        # NaN and infinity cannot be drawn, nor written as JSON.
        if math.isfinite(value)
    ]
    # Steps repeated after a crash give the same values, so the first ones stay.
    MetricPoint.objects.bulk_create(points, ignore_conflicts=True)
    return JobState(Job.objects.values_list("state", flat=True).get(pk=job.pk))


def job_log(*, job: Job, text: str) -> None:
    JobEvent.objects.create(job=job, text=text[:500])


def job_stop(*, job: Job, reason: str) -> None:
    """Cancel a job that waits, and ask one that runs to end after its step.

    Raises IllegalMove if it is in neither state any more.
    """
    if job.state == JobState.QUEUED:
        job_move(
            job=job,
            to=JobState.CANCELLED,
            only_from=JobState.QUEUED,
            error=reason,
            eta_s=None,
            finished_at=timezone.now(),
        )
    else:
        job_move(job=job, to=JobState.CANCELLING, error=reason)
    job_log(job=job, text=f"Stopped. {reason}")


@transaction.atomic
def job_leave_out(*, job: Job, place: int, reason: str) -> None:
    """Let the run start over without a model of its pool. Raise LeaseLost for an old attempt.

    Its curves are forgotten, because the new run's differ. The caller has deleted the snapshots.
    """
    mine = Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=LEASED)
    left_out = sorted({*job.left_out, place})
    if not mine.update(left_out=left_out, steps_done=0, lease_until=lease_from_now()):
        raise LeaseLost(f"job {job.pk} attempt {job.attempt}")
    MetricPoint.objects.filter(job=job).delete()
    job_log(job=job, text=f"{reason} The run starts over without it.")
    job.refresh_from_db()


@transaction.atomic
def job_requeue(*, job: Job) -> None:
    """Requeue a job because its worker shuts down. The attempt does not count as lost."""
    job_move(job=job, to=JobState.QUEUED, only_from=JobState.RUNNING, woken_at=Now())
    job_log(job=job, text="The worker is shutting down; the next one continues from here.")
    enqueue(Task.RUN_JOB, job_id=str(job.pk))


@transaction.atomic
def job_lose(*, job: Job, reason: str) -> None:
    """Count a lost attempt: requeue the job, or fail it after too many."""
    # Locked, because the caller's copy may be of an earlier attempt.
    present = Job.objects.select_for_update().filter(pk=job.pk).first()
    if present is None:
        raise IllegalMove("This job has just been deleted.")
    lost = present.lost_attempts + 1
    if present.state == JobState.CANCELLING:
        job_move(job=job, to=JobState.CANCELLED, finished_at=timezone.now(), eta_s=None)
        job_log(job=job, text=f"{reason} while cancelling; cancelled.")
    elif lost >= settings.MAX_LOST_ATTEMPTS:
        job_move(
            job=job,
            to=JobState.FAILED,
            only_from=JobState.RUNNING,
            lost_attempts=lost,
            finished_at=timezone.now(),
            eta_s=None,
            error=f"{reason}, and {lost} attempts were lost in all; there may be too little "
            "memory. Choose a smaller learner or fewer images, or ask your operator, then resume.",
        )
        job_log(job=job, text=f"{reason}. Given up after {lost} lost attempts.")
    else:
        job_move(
            job=job,
            to=JobState.QUEUED,
            only_from=JobState.RUNNING,
            lost_attempts=lost,
            woken_at=Now(),
        )
        job_log(job=job, text=f"{reason}; the next attempt continues from the snapshot.")
        enqueue(Task.RUN_JOB, job_id=str(job.pk))


@transaction.atomic
def job_reclaim(*, job: Job) -> None:
    """Lose the job of a silent worker. Raise IllegalMove if it has renewed its lease meanwhile."""
    silent = Job.objects.select_for_update().filter(
        pk=job.pk, attempt=job.attempt, lease_until__lt=Now()
    )
    if silent.first() is None:
        raise IllegalMove("Its worker is alive.")
    job_lose(job=job, reason="The worker went silent")
