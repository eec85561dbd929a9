"""A thread that renews the lease of a validation while a large file is fetched and read."""

import logging
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import Error, connection

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import checkpoint_renew_lease

log = logging.getLogger(__name__)


class Reading:
    """Renews the lease every few seconds until the block ends or somebody else has the file."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._over = Event()
        self._thread = Thread(target=self._beat, name="reading", daemon=True)

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
            while not self._over.wait(settings.HEARTBEAT_S) and self._renew():
                pass
        finally:
            connection.close()

    def _renew(self) -> bool:
        try:
            ours = checkpoint_renew_lease(checkpoint=self._checkpoint)
        except Error:
            # The database may be back before the lease ends; if not, the fence holds.
            log.exception("the lease of checkpoint %s was not renewed", self._checkpoint.pk)
            connection.close()
            return True
        if not ours:
            log.warning("checkpoint %s has gone to another worker", self._checkpoint.pk)
        return ours
