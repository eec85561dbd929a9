"""Tasks and queues. The web enqueues tasks by name, after the commit."""

import logging
from enum import StrEnum

from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from marketplace.instance import embedded_broker

log = logging.getLogger(__name__)


class Task(StrEnum):
    """All tasks. `worker.tasks` defines a function for each."""

    RUN_JOB = "worker.run_job"
    VALIDATE_CHECKPOINT = "worker.validate_checkpoint"
    ADAPT = "worker.adapt"
    KEEP_TIME = "worker.keep_time"
    SHOW_PULSE = "worker.show_pulse"


class Queue(StrEnum):
    """`gpu` for tasks of hours, `quick` for seconds. Each has its own workers."""

    GPU = "gpu"
    QUICK = "quick"


ROUTES = {
    Task.RUN_JOB: Queue.GPU,
    Task.VALIDATE_CHECKPOINT: Queue.QUICK,
    Task.ADAPT: Queue.QUICK,
    Task.KEEP_TIME: Queue.QUICK,
    Task.SHOW_PULSE: Queue.GPU,
}
# Ticks that no worker takes expire. Clocks of machines differ by less than this. A worker that
# finds several together handles them as one (`worker/clock.py`).
PULSE_EXPIRES_S, TICK_EXPIRES_S = 60, 600
# A kept connection may be to a broker that has restarted. Only a new one shows whether it works.
_ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


def _transport_options() -> dict[str, object]:
    if settings.BROKER_URL.startswith(embedded_broker.SCHEME):
        for name in ("messages", "control"):
            (settings.BROKER_DIR / name).mkdir(parents=True, exist_ok=True)
        messages = str(settings.BROKER_DIR / "messages")
        return {
            "data_folder_in": messages,
            "data_folder_out": messages,
            "control_folder": str(settings.BROKER_DIR / "control"),
            "polling_interval": 0.1,
        }
    if not settings.BROKER_URL.startswith(("redis://", "rediss://")):
        # RabbitMQ confirms each message. Otherwise a dead socket would lose it silently.
        return {"confirm_publish": True}
    return {
        # Leases in the database decide who runs what, so an early second delivery is harmless, and
        # the clock repeats lost messages.
        "visibility_timeout": 24 * 3600,
        # A broker that hangs must not block a user's request for the default of two minutes.
        "socket_connect_timeout": 5,
        "socket_timeout": 15,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }


embedded_broker.register()
app = Celery("freehold", broker=settings.BROKER_URL)
app.conf.update(
    task_routes={str(task): {"queue": str(queue)} for task, queue in ROUTES.items()},
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options=_transport_options(),
    # Importing torch before the first task takes longer than the default of four seconds.
    worker_proc_alive_timeout=120,
    # The clock never gives up on an unavailable broker, and notices at once when it is back.
    broker_connection_max_retries=None,
    beat_schedule={
        "clock": {
            "task": str(Task.KEEP_TIME),
            "schedule": settings.CLOCK_EVERY_S,
            "options": {"expires": TICK_EXPIRES_S},
        }
    },
    beat_scheduler="worker.schedule:MonotonicScheduler",
    timezone="UTC",
)


def enqueue(task: Task, *, expires_s: float | None = None, **arguments: str) -> None:
    """Send the task after the surrounding transaction is committed, so that the worker finds its
    row.

    An unavailable broker does not fail the request: the row shows that the work is wanted, and the
    clock sends the task again.
    """
    transaction.on_commit(lambda: _send(task, arguments, expires_s))


def _send(task: Task, arguments: dict[str, str], expires_s: float | None) -> None:
    try:
        app.send_task(
            str(task), kwargs=arguments, retry=True, retry_policy=_ONCE_MORE, expires=expires_s
        )
    except (OperationalError, OSError):
        log.exception("%s could not be queued; the clock will try again", task)
