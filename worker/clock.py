"""What happens every few seconds: silent work is taken back, waiting work is woken."""

import os
import socket

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
        enqueue(Task.SHOW_PULSE, expires_s=PULSE_EXPIRES_S)


def show_pulse(queue: str) -> None:
    """Write down that a worker of this queue, on this machine, is alive."""
    WorkerPulse.objects.update_or_create(
        name=f"{queue}@{socket.gethostname()}",
        defaults={"queue": queue, "device": f"pid {os.getppid()}", "at": timezone.now()},
    )
