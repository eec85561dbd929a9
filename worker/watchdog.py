"""Notices that this worker no longer consumes, and ends it, so that its supervisor starts another.

A worker can lose its place at the broker without any error: a connection that was cut and came
back, a child that hangs. It then sits idle beside waiting work for ever. The rows are the truth
here too: if work waits, nothing has come in for minutes, and no job of ours has a lease that is
being renewed, this worker is of no use.
"""

import logging
import os
import time
from collections.abc import Callable, Collection
from threading import Thread

from billiard import process
from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now

from marketplace.jobs.models import Job
from marketplace.jobs.states import LEASED, JobState
from marketplace.queue import Queue
from worker.naming import worker_name

log = logging.getLogger(__name__)

_LOOKS = 3
_BUSY = 10
EXIT_STATUS = 75  # EX_TEMPFAIL: try again


class Watchdog:
    """Told of every message; looks now and then whether one is overdue."""

    def __init__(
        self, queues: Collection[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._queues = set(queues)
        self._monotonic = monotonic
        self._last = monotonic()

    def message_came(self) -> None:
        """Something was consumed."""
        self._last = self._monotonic()

    def is_stuck(self) -> bool:
        """Whether this worker should have had a message long ago."""
        silence_s = self._monotonic() - self._last
        return silence_s >= settings.WATCHDOG_S and (
            self._ticks_are_missing(silence_s) or self._jobs_wait()
        )

    def _ticks_are_missing(self, silence_s: float) -> bool:
        # The clock sends a tick to `quick` every few seconds, so there a silence is enough; but
        # for one that has a message in hand, such as a large upload to read.
        patience = _BUSY if _has_message_in_hand() else 1
        return Queue.QUICK in self._queues and silence_s >= patience * settings.WATCHDOG_S

    def _jobs_wait(self) -> bool:
        if Queue.GPU not in self._queues:
            return False
        try:
            ours = [worker_name(child.pid) for child in process.active_children()]
            alive = Job.objects.filter(state__in=LEASED, worker__in=ours, lease_until__gt=Now())
            waiting = Job.objects.filter(state=JobState.QUEUED)
            return waiting.exists() and not alive.exists()
        except Error:
            # Without a database there is no work either.
            log.exception("the watchdog cannot ask the database")
            return False
        finally:
            connection.close()

    def start(self) -> None:
        """Watch from a thread of its own, because the consumer's own loop may be what hangs."""
        Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        looks = 0
        # Between two jobs there is a moment without lease and message; that is not yet a silence.
        while looks < _LOOKS:
            time.sleep(settings.WATCHDOG_S / 10)
            looks = looks + 1 if self.is_stuck() else 0
        log.critical("nothing consumed for %s s while work waits; restarting", settings.WATCHDOG_S)
        os._exit(EXIT_STATUS)


def _has_message_in_hand() -> bool:
    from celery.worker import state

    return bool(state.reserved_requests)
