"""What the clock does with jobs: silent ones are taken back, waiting ones are woken.

Clocks jump: somebody sets one, a virtual machine is frozen and thawed. Leases are therefore never
believed blindly. One that ends later than any lease can was given by a clock that has been set
back since, and is cut short. And when the database's clock has moved otherwise than ours, which
cannot be set, every lease is given anew before any is called over.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import Error, connection
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_take_back, lease_from_now
from marketplace.jobs.states import LEASED, JobState
from marketplace.queue import Task, enqueue

log = logging.getLogger(__name__)

KEYS_LIVE = timedelta(hours=24)
_AT_ONCE = 100
# Clocks of machines that keep their time differ by less.
_SLACK = timedelta(seconds=2)


class Jumps:
    """Notices when leases cannot be believed: a clock was set, or nobody could renew them."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._offset: float | None = None
        self._deaf = False

    def seen(self, now: datetime) -> bool:
        """Whether `now` is not where the last look let expect it, or a write could not be made."""
        before, self._offset = self._offset, now.timestamp() - self._monotonic()
        deaf, self._deaf = self._deaf, False
        return deaf or (before is not None and abs(self._offset - before) > settings.HEARTBEAT_S)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Around a write: where ours fails or waits, so did those by which workers show life."""
        began = self._monotonic()
        try:
            yield
        except Error:
            self._deaf = True
            raise
        self._deaf |= self._monotonic() - began > settings.HEARTBEAT_S


jumps = Jumps()


def jobs_keep_time() -> None:
    """One tick."""
    now = database_now()
    _forgive_jumps(now)
    for job in Job.objects.filter(state__in=LEASED, lease_until__lt=now):
        try:
            job_take_back(job=job)
        except IllegalMove:
            # It ended, was heard of, or somebody else took it, between our read and our write.
            continue
    _wake_waiting(now)
    Job.objects.exclude(idempotency_key="").filter(created_at__lt=now - KEYS_LIVE).update(
        idempotency_key="", request_digest=""
    )


def database_now() -> datetime:
    """The time of the clock by which leases are given."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_TIMESTAMP")
        now = cursor.fetchone()[0]
    return now if isinstance(now, datetime) else datetime.fromisoformat(now).replace(tzinfo=UTC)


def _forgive_jumps(now: datetime) -> None:
    leased = Job.objects.filter(state__in=LEASED)
    if not jumps.seen(now):
        leased = leased.filter(lease_until__gt=now + timedelta(seconds=settings.LEASE_S) + _SLACK)
    if forgiven := leased.update(lease_until=lease_from_now()):
        log.warning("a clock jumped, or the database was away; %s new leases", forgiven)


def _wake_waiting(now: datetime) -> None:
    """Send the messages again that may have been lost: this is what makes the queue reliable."""
    long_ago = now - timedelta(seconds=settings.WAKE_AGAIN_S)
    waiting = Job.objects.filter(state=JobState.QUEUED).filter(
        Q(woken_at__isnull=True) | Q(woken_at__lt=long_ago) | Q(woken_at__gt=now + _SLACK)
    )
    for pk in list(waiting.order_by("created_at").values_list("pk", flat=True)[:_AT_ONCE]):
        Job.objects.filter(pk=pk).update(woken_at=Now())
        # Those that nobody takes would pile up behind a long job, and hold up what comes after
        # it: each costs a child. One or two of a job at a time are enough.
        enqueue(Task.RUN_JOB, expires_s=2 * settings.WAKE_AGAIN_S, job_id=str(pk))
