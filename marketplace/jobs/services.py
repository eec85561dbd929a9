"""Launching, cancelling and resuming jobs."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from marketplace.accounts.models import User, Visibility
from marketplace.algorithms.models import AlgorithmSpec
from marketplace.algorithms.services import settings_check
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import Conflict, DomainError
from marketplace.core.idempotency import MAX_KEY_LENGTH, request_digest, rows_made_before
from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_log, job_move
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool
from marketplace.pools.selectors import pool_checkpoints, pool_fit
from marketplace.pools.services import pool_freeze, pool_hold, pool_recheck
from marketplace.queue import Task, enqueue

MAX_SEED = 2**31 - 1
MAX_UNFINISHED_PER_PERSON = 20
_CANCEL_TRIES = 3


@transaction.atomic
def job_launch(
    *,
    owner: User,
    pool: Pool,
    algorithm: str,
    settings: Mapping[str, Any],
    seed: int = 0,
    idempotency_key: str = "",
) -> Job:
    """Queue a run, which is shared like the pool if the user owns the pool.

    The same idempotency key with the same request returns the same job.
    """
    key = idempotency_key[:MAX_KEY_LENGTH]
    digest = request_digest([str(pool.pk), algorithm, dict(settings), seed])
    User.objects.select_for_update().get(pk=owner.pk)  # one request at a time counts
    same_key = Job.objects.filter(owner=owner, idempotency_key=key)
    if earlier := rows_made_before(same_key, digest):
        return earlier[0]
    spec = _spec(algorithm)
    values = settings_check(spec=spec, values=settings)
    _check_seed(seed)
    return _create(
        owner=owner,
        pool=pool,
        algorithm=spec.name,
        title=spec.run_title(values),
        version=spec.version,
        settings=values,
        seed=seed,
        **_sharing(owner, pool),
        idempotency_key=key,
        request_digest=digest,
    )


def _sharing(owner: User, pool: Pool) -> dict[str, Any]:
    mine = pool.owner_id == owner.pk
    return Job.sharing_kept(owner, pool.visibility if mine else Visibility.PRIVATE, pool.team)


def _create(*, owner: User, pool: Pool, **fields: Any) -> Job:
    """Check and write under the same locks, because earlier checks may be outdated."""
    pool_hold(pool=pool)
    pool_recheck(pool=pool, user=owner)
    _check_fits(pool, fields["settings"])
    _check_unfinished(owner)
    pool_freeze(pool=pool)
    job = Job.objects.create(
        owner=owner,
        pool=pool,
        previews=pool_fit(pool_checkpoints(pool)).previews,
        snapshot_secret=secrets.token_hex(32),
        woken_at=timezone.now(),
        **fields,
    )
    job_log(job=job, text="Queued; a worker takes it as soon as one is free.")
    enqueue(Task.RUN_JOB, job_id=str(job.pk))
    record(Act.JOB_LAUNCHED, by=owner, row=job, algorithm=job.algorithm, pool=pool.pk)
    return job


def job_cancel(*, job: Job, by: User) -> Job:
    """Ask the job to stop. A queued one stops at once."""
    for _ in range(_CANCEL_TRIES):
        _refresh(job)
        if job.is_final or job.state == JobState.CANCELLING:
            raise Conflict(f"This job is already {job.get_state_display().lower()}.")
        try:
            return _cancel_from(job, by)
        except IllegalMove:
            # A worker claimed or lost it between the read and the write.
            continue
    raise Conflict("Another worker is taking over this job; try again.")


@transaction.atomic
def _cancel_from(job: Job, by: User) -> Job:
    if job.state == JobState.QUEUED:
        job_move(
            job=job,
            to=JobState.CANCELLED,
            only_from=JobState.QUEUED,
            finished_at=timezone.now(),
            eta_s=None,
        )
        job_log(job=job, text=f"Cancelled by {by} before it began.")
    else:
        job_move(job=job, to=JobState.CANCELLING)
        job_log(job=job, text=f"{by} asked to cancel; it stops after this step.")
    record(Act.JOB_CANCELLED, by=by, row=job)
    return job


def job_resume(*, job: Job, by: User) -> Job:
    """Queue a cancelled or failed job again. It continues from its last snapshot, if any.

    Its pool may have thawed and changed if it had not taken a step.
    """
    _refresh(job)
    if job.state not in {JobState.CANCELLED, JobState.FAILED}:
        raise Conflict(
            f"This job is {job.get_state_display().lower()}; "
            "only a cancelled or failed one resumes."
        )
    with transaction.atomic():
        pool_hold(pool=job.pool)
        pool_recheck(pool=job.pool, user=by)
        _check_fits(job.pool, job.settings)
        pool_freeze(pool=job.pool)
        job_move(
            job=job,
            to=JobState.QUEUED,
            error="",
            lost_attempts=0,
            finished_at=None,
            woken_at=Now(),
        )
        job_log(job=job, text=f"Resumed by {by}.")
        if not job.snapshot_secret:
            _start_over(job)
        enqueue(Task.RUN_JOB, job_id=str(job.pk))
        record(Act.JOB_RESUMED, by=by, row=job)
    return job


def _refresh(job: Job) -> None:
    try:
        job.refresh_from_db()
    except Job.DoesNotExist as error:
        raise Conflict("This job has just been deleted.") from error


def _start_over(job: Job) -> None:
    """Start from the beginning, because the snapshots were deleted after a long time."""
    job.snapshot_secret, job.steps_done = secrets.token_hex(32), 0
    job.save(update_fields=["snapshot_secret", "steps_done"])
    job_log(job=job, text="Its snapshots have been deleted since; it starts from the beginning.")


def _spec(name: str) -> AlgorithmSpec:
    spec = AlgorithmSpec.objects.filter(name=name).first()
    if spec is None:
        known = ", ".join(AlgorithmSpec.objects.values_list("name", flat=True))
        message = (
            f"Choose one of {known}."
            if known
            else "No worker has published its algorithms yet; start one and try again."
        )
        raise DomainError(message, fields={"algorithm": message})
    return spec


def _check_seed(seed: int) -> None:
    if not 0 <= seed <= MAX_SEED:
        message = f"Give a whole number from 0 to {MAX_SEED}."
        raise DomainError(message, fields={"seed": message})


def _check_fits(pool: Pool, values: Mapping[str, Any]) -> None:
    n_way = values.get("n_way")
    rows = [row.class_names for row in pool_checkpoints(pool)]
    merged = len({name for names in rows for name in names})
    known = merged if values.get("merge_classes", True) else sum(map(len, rows))
    if isinstance(n_way, int) and n_way > known:
        message = f"The models of the pool have {known} classes in total; lower n_way to that."
        raise DomainError(message, fields={"n_way": message})


def _check_unfinished(owner: User) -> None:
    unfinished = Job.objects.filter(
        owner=owner, state__in=[JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING]
    )
    if unfinished.count() >= MAX_UNFINISHED_PER_PERSON:
        raise DomainError(
            f"You have {MAX_UNFINISHED_PER_PERSON} unfinished jobs; cancel one or wait for one."
        )
