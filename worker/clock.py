"""What happens every few seconds: silent work is taken back, waiting work is woken."""

import logging
import os
import socket
from collections.abc import Callable

from django.conf import settings
from django.db import connection
from django.utils import timezone

from marketplace.adaptation.sessions import sessions_keep_time
from marketplace.checkpoints import clock as checkpoints_clock
from marketplace.checkpoints.clock import checkpoints_keep_time
from marketplace.core.models import WorkerPulse
from marketplace.jobs.clock import jobs_keep_time, jumps
from marketplace.jobs.models import Job
from marketplace.jobs.quarantine import jobs_stop_quarantined
from marketplace.jobs.states import LEASED
from marketplace.operations.sweeping import sweep
from marketplace.queue import PULSE_EXPIRES_S, Task, enqueue
from marketplace.uploads.clock import uploads_keep_time
from worker.every import Every
from worker.snapshots import forget_abandoned, forget_finished

log = logging.getLogger(__name__)

_ASK_EVERY_S = 20.0
_SWEEP_EVERY_S = 3600.0


# Each answer costs an idle gpu worker a child of its own. Asked with every tick, a slow machine was
# busy with answering, while jobs waited behind hundreds of such messages.
_asking = Every(_ASK_EVERY_S, at_once=True)
# Behind a large upload ticks pile up, and what people wait for stands behind them.
_ticking = Every(settings.CLOCK_EVERY_S / 2, at_once=True)
_sweeping = Every(_SWEEP_EVERY_S, at_once=True)


def tick() -> None:
    """Keep time, unless this worker did so a moment ago."""
    if _ticking.due():
        keep_time()


def keep_time() -> None:
    """What a tick is for."""
    with jumps.listening(), checkpoints_clock.jumps.listening():
        show_pulse("quick")
    for step in _STEPS:
        _take(step)


def _take(step: Callable[[], None]) -> None:
    """One thing that fails must not keep the others from their turn."""
    try:
        step()
    except Exception:
        log.exception("%s failed; the next tick tries again", step.__name__)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _ask_idle_workers() -> None:
    """A busy gpu worker shows its pulse with every heartbeat of the job; an idle one is asked."""
    if not Job.objects.filter(state__in=LEASED).exists() and _asking.due():
        enqueue(Task.SHOW_PULSE, expires_s=PULSE_EXPIRES_S)


def _sweep_now_and_then() -> None:
    if _sweeping.due():
        sweep()


_STEPS: tuple[Callable[[], None], ...] = (
    jobs_stop_quarantined,
    jobs_keep_time,
    checkpoints_keep_time,
    uploads_keep_time,
    sessions_keep_time,
    forget_finished,
    forget_abandoned,
    _sweep_now_and_then,
    _ask_idle_workers,
)


def show_pulse(queue: str) -> None:
    """Write down that a worker of this queue, on this machine, is alive."""
    WorkerPulse.objects.update_or_create(
        name=f"{queue}@{socket.gethostname()}",
        defaults={"queue": queue, "device": f"pid {os.getppid()}", "at": timezone.now()},
    )
