"""A thread that renews the job's lease while a step takes long."""

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import Error, connection

from marketplace.jobs.models import Job
from marketplace.jobs.moves import LeaseLost, job_renew_lease
from worker.clock import show_pulse

log = logging.getLogger(__name__)


class Heartbeat:
    """Renews the lease every few seconds, until the block ends or somebody else has the job."""

    def __init__(self, job: Job) -> None:
        self._job = job
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

    def _beat(self) -> None:
        try:
            while not self._over.wait(settings.HEARTBEAT_S):
                self._renew()
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
