"""A thread that renews the job's lease while a step takes long, and ends a step that hangs."""

import logging
import os
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import Error, connection

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, LeaseLost, job_lose, job_renew_lease
from worker.clock import show_pulse

log = logging.getLogger(__name__)

EXIT_STATUS = 75  # EX_TEMPFAIL: try again


class Heartbeat:
    """Renews the lease every few seconds, until the block ends or somebody else has the job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._beats = 0
        self._over = Event()
        self._thread = Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(timeout=settings.HEARTBEAT_S)

    def moved(self) -> None:
        """Tell that something came to its end just now, such as a step."""
        self._beats = 0

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.HEARTBEAT_S):
                self._renew()
                if self._hangs():
                    self._give_up()
        except LeaseLost:
            # The next report finds it out too, and stops the run.
            log.warning("job %s has gone to another worker", self._job.pk)
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            job_renew_lease(job=self._job)
            show_pulse("gpu")
        except Error:
            # The database may be back before the lease ends; if not, the fence holds.
            log.exception("the lease of job %s could not be renewed", self._job.pk)
            connection.close()

    def _hangs(self) -> bool:
        # Beats, not time: while a process or its machine was frozen, no step could end.
        self._beats += 1
        limit_s = settings.STEP_LIMIT_S
        return bool(limit_s) and self._beats * settings.HEARTBEAT_S > limit_s

    def _give_up(self) -> None:
        """What hangs in a driver hears nothing, so the process ends; Celery starts another one."""
        minutes = settings.STEP_LIMIT_S / 60
        log.critical("no step of job %s in %g minutes; its process ends", self._job.pk, minutes)
        try:
            job_lose(job=self._job, reason=f"No step came to its end in {minutes:g} minutes")
        except (Error, IllegalMove):
            # Nobody renews the lease from now on, so the clock takes the job back.
            log.exception("job %s could not be given back", self._job.pk)
        os._exit(EXIT_STATUS)
