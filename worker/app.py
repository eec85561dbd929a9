"""The worker's Celery app: that of the web, with the tasks loaded.

`celery -A worker.app worker -Q gpu` runs jobs, each in a child of its own; `-Q quick` validates
and adapts in a child that has torch loaded already. The parents never load torch, so no child
inherits a CUDA context.
"""

import os
import signal
from contextlib import suppress
from types import FrameType
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from billiard import process  # noqa: E402
from celery.signals import (  # noqa: E402
    task_received,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

from marketplace.queue import Queue, app  # noqa: E402
from worker import stopping, tasks  # noqa: E402

__all__ = ["app", "tasks"]

# Ignored by default, and one of the few that the pool does not take for itself in its children.
STOP_WISH = signal.SIGURG


@worker_ready.connect
def _watch(**_: Any) -> None:
    """From now on a worker that no longer lives, or no longer consumes, is noticed."""
    from worker.alive import SignsOfLife
    from worker.watchdog import Watchdog

    queues = {str(name) for name in app.amqp.queues.consume_from}
    SignsOfLife(queues).start()
    watchdog = Watchdog(queues)
    task_received.connect(lambda **_: watchdog.message_came(), weak=False)
    watchdog.start()


@worker_process_init.connect
def _prepare_child(**_: Any) -> None:
    """Listen for the wish to stop; a quick child loads torch now rather than in a request."""
    stopping.remember_parent()
    signal.signal(STOP_WISH, _on_stop_wish)
    if Queue.QUICK in app.amqp.queues.consume_from:
        from worker.confinement import show_confinement
        from worker.publishing import publish_catalogue

        show_confinement()
        publish_catalogue()


@worker_shutting_down.connect
def _tell_children(**_: Any) -> None:
    """A job may run for hours, so its child is asked to save a snapshot and let go.

    The signal is for children that were not forked from us and so share no memory with us.
    """
    stopping.wish_for_all()
    for child in process.active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, STOP_WISH)


def _on_stop_wish(signum: int, frame: FrameType | None) -> None:
    stopping.wish()
