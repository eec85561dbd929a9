"""Signs of life of a worker, and a watchdog that ends it if it no longer receives messages.

There are three signs: a file for a container's health check, a row for `/readyz`, and the exit by
the watchdog, after which the supervisor starts another worker. Loads no torch.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Collection
from threading import Event, Thread

from billiard import process
from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now
from django.utils import timezone

from marketplace.core.models import WorkerPulse
from marketplace.instance.liveness_files import EVERY_S, touch_sign
from marketplace.jobs.models import Job
from marketplace.jobs.states import LEASED, JobState
from marketplace.queue import Queue
from worker.sandbox.confinement import missing_confinement

log = logging.getLogger(__name__)

EXIT_STATUS = 75
"""EX_TEMPFAIL: try again."""
_CHECKS_BEFORE_EXIT = 3
_BUSY_FACTOR = 10


def worker_name(pid: int) -> str:
    """Return the name of a process of this machine in a job's row."""
    return f"{socket.gethostname()}:{pid}"[:120]


def record_pulse(queue: str) -> None:
    WorkerPulse.objects.update_or_create(
        name=f"{queue}@{socket.gethostname()}",
        defaults={"queue": queue, "device": f"pid {os.getppid()}", "at": timezone.now()},
    )


def record_confinement() -> None:
    """Record beside the pulse which confinement this machine lacks for the reader of uploads."""
    WorkerPulse.objects.update_or_create(
        name=f"quick@{socket.gethostname()}",
        defaults={
            "queue": "quick",
            "at": timezone.now(),
            "unconfined": " and ".join(missing_confinement()),
        },
    )


class LivenessFiles:
    """Touches a file for each queue every few seconds, in its own thread."""

    def __init__(self, queues: Collection[str], *, every_s: float = EVERY_S) -> None:
        self._queues = sorted(queues)
        self._every_s = every_s
        self._stopped = Event()

    def start(self) -> None:
        Thread(target=self._run, name="liveness files", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        while True:
            for queue in self._queues:
                try:
                    touch_sign(queue)
                except OSError:
                    # A full disk may be temporary, and the health check allows some silence.
                    log.exception("the liveness file of queue %s was not touched", queue)
            if self._stopped.wait(self._every_s):
                return


class Watchdog:
    """Ends a worker that should have received a message long ago.

    A worker can lose its broker silently, for example after a reconnection or because a child
    hangs, and then idle while work waits. The database decides: the worker is stuck if work waits,
    no message has arrived for minutes, and none of its jobs has a current lease.
    """

    def __init__(
        self, queues: Collection[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._queues = set(queues)
        self._monotonic = monotonic
        self._last_message_at = monotonic()

    def message_received(self) -> None:
        self._last_message_at = self._monotonic()

    def is_stuck(self) -> bool:
        silence_s = self._monotonic() - self._last_message_at
        return silence_s >= settings.WATCHDOG_S and (
            self._ticks_are_missing(silence_s) or self._jobs_wait()
        )

    def _ticks_are_missing(self, silence_s: float) -> bool:
        # The clock sends ticks to `quick` every few seconds, so silence is enough there, unless the
        # worker is processing a message, such as a large upload.
        factor = _BUSY_FACTOR if _has_reserved_message() else 1
        return Queue.QUICK in self._queues and silence_s >= factor * settings.WATCHDOG_S

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
            log.exception("the watchdog cannot query the database")
            return False
        finally:
            connection.close()

    def start(self) -> None:
        """Start a thread, because the consumer's own loop may hang."""
        Thread(target=self._run, name="watchdog", daemon=True).start()

    def _run(self) -> None:
        checks = 0
        # Between two jobs there is a moment with neither lease nor message.
        while checks < _CHECKS_BEFORE_EXIT:
            time.sleep(settings.WATCHDOG_S / 10)
            checks = checks + 1 if self.is_stuck() else 0
        log.critical("no message for %s s while work waits; restarting", settings.WATCHDOG_S)
        os._exit(EXIT_STATUS)


def _has_reserved_message() -> bool:
    from celery.worker import state

    return bool(state.reserved_requests)
