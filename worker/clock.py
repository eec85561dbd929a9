"""What happens every few seconds: silent work is taken back, waiting work is woken."""

import math
import os
import socket
import time

from django.utils import timezone

from marketplace.adaptation.services import sessions_keep_time
from marketplace.checkpoints.resumable import uploads_keep_time
from marketplace.checkpoints.services import checkpoints_keep_time
from marketplace.core.models import WorkerPulse
from marketplace.jobs.clock import jobs_keep_time, jumps
from marketplace.jobs.models import Job
from marketplace.jobs.quarantine import jobs_stop_quarantined
from marketplace.jobs.states import LEASED
from marketplace.queue import PULSE_EXPIRES_S, Task, enqueue
from worker.snapshots import forget_finished

_ASK_EVERY_S = 20.0


class Asking:
    """Asks idle gpu workers for their pulse now and then.

    Each answer costs a worker a child of its own. Asked with every tick, a slow machine was busy
    with answering, while jobs waited behind hundreds of such messages.
    """

    def __init__(self) -> None:
        self._asked_at = -math.inf

    def ask(self) -> None:
        """Ask, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._asked_at >= _ASK_EVERY_S:
            self._asked_at = now
            enqueue(Task.SHOW_PULSE, expires_s=PULSE_EXPIRES_S)


_asking = Asking()


def keep_time() -> None:
    """One tick."""
    with jumps.listening():
        show_pulse("quick")
    jobs_stop_quarantined()
    jobs_keep_time()
    checkpoints_keep_time()
    uploads_keep_time()
    sessions_keep_time()
    forget_finished()
    # A busy gpu worker shows its pulse with every heartbeat of the job; an idle one is asked.
    if not Job.objects.filter(state__in=LEASED).exists():
        _asking.ask()


def show_pulse(queue: str) -> None:
    """Write down that a worker of this queue, on this machine, is alive."""
    WorkerPulse.objects.update_or_create(
        name=f"{queue}@{socket.gethostname()}",
        defaults={"queue": queue, "device": f"pid {os.getppid()}", "at": timezone.now()},
    )
