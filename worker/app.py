"""The worker's Celery app: the web's app with the tasks loaded.

`celery -A worker.app worker -Q gpu` runs each job in its own child process. `-Q quick` validates
and adapts in a child that has already loaded torch. The parents never load torch, so that no child
inherits a CUDA context.
"""

import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
django.setup()

from celery.signals import (  # noqa: E402
    task_received,
    worker_process_init,
    worker_ready,
    worker_shutting_down,
)

from marketplace.queue import Queue, app  # noqa: E402
from worker import shutdown, tasks  # noqa: E402

__all__ = ["app", "tasks"]


@worker_ready.connect
def _show_liveness(**_: Any) -> None:
    from worker.liveness import LivenessFiles, Watchdog

    queues = {str(name) for name in app.amqp.queues.consume_from}
    LivenessFiles(queues).start()
    watchdog = Watchdog(queues)
    task_received.connect(lambda **_: watchdog.message_received(), weak=False)
    watchdog.start()


@worker_process_init.connect
def _prepare_child(**_: Any) -> None:
    """Listen for a shutdown. A quick child also loads torch now rather than during a request."""
    shutdown.prepare_child()
    if Queue.QUICK in app.amqp.queues.consume_from:
        from worker.liveness import record_confinement
        from worker.publishing import publish_catalogue

        record_confinement()
        publish_catalogue()


@worker_shutting_down.connect
def _shut_down_children(**_: Any) -> None:
    shutdown.request_in_children()
