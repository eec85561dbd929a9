"""Periodic work on jobs: reclaim silent ones and wake waiting ones.

Clocks jump, so leases are never trusted blindly (`marketplace.core.leases`): a lease that is too
long is shortened, and after a jump all leases are renewed before any expires.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.core.idempotency import keys_forget
from marketplace.core.leases import SLACK, Jumps, database_now
from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_reclaim
from marketplace.jobs.states import LEASED, JobState
from marketplace.queue import Task, enqueue

log = logging.getLogger(__name__)

_AT_ONCE = 100


jumps = Jumps()


def jobs_tick() -> None:
    now = database_now()
    leased = Job.objects.filter(state__in=LEASED)
    jumps.forgive(leased, now, length=timedelta(seconds=settings.LEASE_S))
    for job in leased.filter(lease_until__lt=now):
        try:
            job_reclaim(job=job)
        except IllegalMove:
            # Between read and write it ended, renewed its lease, or was taken by another worker.
            continue
    _wake_waiting(now)
    keys_forget(Job.objects.all(), now)


def _wake_waiting(now: datetime) -> None:
    """Repeat messages that may have been lost. This makes the queue reliable."""
    long_ago = now - timedelta(seconds=settings.WAKE_AGAIN_S)
    waiting = Job.objects.filter(state=JobState.QUEUED).filter(
        Q(woken_at__isnull=True) | Q(woken_at__lt=long_ago) | Q(woken_at__gt=now + SLACK)
    )
    for pk in list(waiting.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE]):
        Job.objects.filter(pk=pk).update(woken_at=Now())
        # Messages pile up behind a long job, and each costs a child process. One or two are enough.
        enqueue(Task.RUN_JOB, expires_s=2 * settings.WAKE_AGAIN_S, job_id=str(pk))
