"""A thread that renews the job's lease while a step takes long, and ends a step that hangs."""

import logging
import os

from django.conf import settings
from django.db import Error, connection

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, LeaseLost, job_lose, job_renew_lease
from worker.beats import Beats
from worker.clock import show_pulse

log = logging.getLogger(__name__)

EXIT_STATUS = 75  # EX_TEMPFAIL: try again


class Heartbeat(Beats):
    """Renews the lease every few seconds, until the block ends or somebody else has the job."""

    def __init__(self, job: Job) -> None:
        super().__init__("heartbeat")
        self._job = job
        self._beats = 0

    def moved(self) -> None:
        """Tell that something came to its end just now, such as a step."""
        self._beats = 0

    def beat(self) -> bool:
        """Renew the lease, and end a step that hangs; False when the job is somebody else's."""
        try:
            self._renew()
        except LeaseLost:
            # The next report finds it out too, and stops the run.
            log.warning("job %s has gone to another worker", self._job.pk)
            return False
        if self._hangs():
            self._give_up()
        return True

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
