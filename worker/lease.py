"""Leases of jobs and checkpoints, and the threads that renew them. Loads no torch."""

import logging
import os
from abc import ABC, abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import Error, connection

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import checkpoint_renew_lease
from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, LeaseLost, job_lose, job_renew_lease
from marketplace.jobs.selectors import job_waits
from worker.liveness import EXIT_STATUS, record_pulse

log = logging.getLogger(__name__)


def is_stale(job_id: str) -> bool:
    """Return whether the job no longer waits. The clock may have sent many messages for it."""
    try:
        return not job_waits(job_id)
    except Error:
        log.warning("could not check whether job %s waits; its run checks again", job_id)
        return False


class Heartbeat(ABC):
    """Calls `beat` every HEARTBEAT_S seconds in a thread, until the block or the lease ends."""

    def __init__(self, name: str) -> None:
        self._stopped = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join(timeout=settings.HEARTBEAT_S)

    @abstractmethod
    def beat(self) -> bool:
        """Renew the lease. Return False if another worker holds it."""

    def _run(self) -> None:
        try:
            while not self._stopped.wait(settings.HEARTBEAT_S) and self.beat():
                pass
        finally:
            connection.close()


class CheckpointHeartbeat(Heartbeat):
    """Renews the lease of a validation while a large file is fetched and read."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__("checkpoint heartbeat")
        self._checkpoint = checkpoint

    def beat(self) -> bool:
        try:
            renewed = checkpoint_renew_lease(checkpoint=self._checkpoint)
        except Error:
            # The database may be back before the lease ends. If not, the attempt number protects
            # the row.
            log.exception("the lease of checkpoint %s was not renewed", self._checkpoint.pk)
            connection.close()
            return True
        if not renewed:
            log.warning("checkpoint %s has gone to another worker", self._checkpoint.pk)
        return renewed


class JobHeartbeat(Heartbeat):
    """Renews the lease of a job during a long step, and ends the process if a step hangs."""

    def __init__(self, job: Job) -> None:
        super().__init__("job heartbeat")
        self._job = job
        self._beats_in_step = 0

    def step_done(self) -> None:
        """Restart the time limit after a step or the set-up."""
        self._beats_in_step = 0

    def beat(self) -> bool:
        """Renew the lease and check the step. Return False if another worker holds the job."""
        try:
            self._renew()
        except LeaseLost:
            # The next report will raise it too, and stop the run.
            log.warning("job %s has gone to another worker", self._job.pk)
            return False
        if self._step_hangs():
            self._lose_and_exit()
        return True

    def _renew(self) -> None:
        try:
            job_renew_lease(job=self._job)
            record_pulse("gpu")
        except Error:
            # The database may be back before the lease ends. If not, the attempt number protects
            # the row.
            log.exception("the lease of job %s was not renewed", self._job.pk)
            connection.close()

    def _step_hangs(self) -> bool:
        # Counts beats, not time: while a process or its machine is frozen, no step can end.
        self._beats_in_step += 1
        limit_s = settings.STEP_LIMIT_S
        return bool(limit_s) and self._beats_in_step * settings.HEARTBEAT_S > limit_s

    def _lose_and_exit(self) -> None:
        """End the process, since a step that hangs in a driver cannot be interrupted."""
        minutes = settings.STEP_LIMIT_S / 60
        log.critical("no step of job %s in %g minutes; its process ends", self._job.pk, minutes)
        try:
            job_lose(job=self._job, reason=f"No step ended within {minutes:g} minutes")
        except (Error, IllegalMove):
            # The lease is no longer renewed, so the clock reclaims the job.
            log.exception("job %s could not be released", self._job.pk)
        os._exit(EXIT_STATUS)
