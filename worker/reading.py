"""A thread that renews the lease of a validation while a large file is fetched and read."""

import logging

from django.db import Error, connection

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import checkpoint_renew_lease
from worker.beats import Beats

log = logging.getLogger(__name__)


class Reading(Beats):
    """Renews the lease every few seconds until the block ends or somebody else has the file."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__("reading")
        self._checkpoint = checkpoint

    def beat(self) -> bool:
        """Renew the lease; False when it is somebody else's."""
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
