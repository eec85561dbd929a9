"""A pool is frozen while a job uses it. A job that ended before its first step has not used it."""

from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_thaw

_ENDED = (JobState.CANCELLED, JobState.FAILED)


def jobs_using(pool_id: UUID) -> "QuerySet[Job]":
    """Return the jobs that wait, run or succeeded, and those that took a step before they ended.

    A job that starts over after its snapshots were deleted counts its steps again, but keeps the
    points of its curves.
    """
    reported = Exists(MetricPoint.objects.filter(job=OuterRef("pk")))
    took_a_step = Q(steps_done__gt=0) | Q(reported)
    return Job.objects.filter(~Q(state__in=_ENDED) | took_a_step, pool=pool_id)


def pool_thaw_unused(*, pool_id: UUID) -> None:
    """Thaw the pool if no job uses it. Must run in the transaction that ended or deleted a job.

    The pool's lock is the one of a launch. Of two jobs that end at the same time, the second to
    get it therefore sees that the first has ended.
    """
    pool = Pool.objects.select_for_update().filter(pk=pool_id).first()
    if pool is not None and pool.is_frozen and not jobs_using(pool.pk).exists():
        pool_thaw(pool=pool)
