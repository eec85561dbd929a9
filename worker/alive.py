"""Shows that this worker lives, from a thread of its parent that waits for nothing."""

import logging
from collections.abc import Collection
from threading import Event, Thread

from marketplace.instance.signs_of_life import EVERY_S, touch_sign

log = logging.getLogger(__name__)


class SignsOfLife:
    """Touches a file for each queue every few seconds, until the process ends."""

    def __init__(self, queues: Collection[str], *, every_s: float = EVERY_S) -> None:
        self._queues = sorted(queues)
        self._every_s = every_s
        self._over = Event()

    def start(self) -> None:
        """From now on."""
        Thread(target=self._show, name="signs of life", daemon=True).start()

    def stop(self) -> None:
        """No longer."""
        self._over.set()

    def _show(self) -> None:
        while True:
            for queue in self._queues:
                try:
                    touch_sign(queue)
                except OSError:
                    # A full disk passes; the health check allows for some silence.
                    log.exception("the worker of %s cannot show that it lives", queue)
            if self._over.wait(self._every_s):
                return
