"""Periodic work: reclaim the work of silent workers, wake waiting work, sweep leftovers."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import connection

from marketplace.accounts.invitations import invitations_delete_expired
from marketplace.adaptation.sessions import sessions_tick
from marketplace.checkpoints import clock as checkpoints_clock
from marketplace.checkpoints.clock import checkpoints_tick
from marketplace.jobs.clock import jobs_tick, jumps
from marketplace.jobs.consent import jobs_stop_withdrawn
from marketplace.jobs.models import Job
from marketplace.jobs.quarantine import jobs_stop_quarantined
from marketplace.jobs.states import LEASED
from marketplace.operations.database_files import empty_write_ahead_log
from marketplace.operations.sweeping import sweep
from marketplace.queue import PULSE_EXPIRES_S, Task, enqueue
from marketplace.uploads.clock import uploads_tick
from worker.liveness import record_pulse
from worker.schedule import Throttle
from worker.snapshots import delete_abandoned, delete_finished, delete_withdrawn

log = logging.getLogger(__name__)

_PULSE_EVERY_S = 20.0
_SWEEP_EVERY_S = 3600.0
_EMPTY_LOG_EVERY_S = 60.0


# Each pulse starts a child process of an idle gpu worker. With one per tick, a slow machine was
# busy with pulses while jobs waited behind hundreds of such messages.
_pulse_throttle = Throttle(_PULSE_EVERY_S, at_once=True)
# Ticks pile up behind a large upload and would delay users' requests.
_tick_throttle = Throttle(settings.CLOCK_EVERY_S / 2, at_once=True)
_sweep_throttle = Throttle(_SWEEP_EVERY_S, at_once=True)
_log_throttle = Throttle(_EMPTY_LOG_EVERY_S, at_once=True)


def tick() -> None:
    if _tick_throttle.allow():
        keep_time()


def keep_time() -> None:
    """Run all steps. A step that fails does not stop the others."""
    with jumps.listening(), checkpoints_clock.jumps.listening():
        record_pulse("quick")
    for step in _STEPS:
        _run_step(step)


def _run_step(step: Callable[[], None]) -> None:
    try:
        step()
    except Exception:
        log.exception("%s failed; the next tick tries again", step.__name__)
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def _request_pulse() -> None:
    if not Job.objects.filter(state__in=LEASED).exists() and _pulse_throttle.allow():
        enqueue(Task.SHOW_PULSE, expires_s=PULSE_EXPIRES_S)


def _sweep_hourly() -> None:
    if _sweep_throttle.allow():
        invitations_delete_expired()
        sweep()


def _empty_log_each_minute() -> None:
    """Forget what was deleted: secrets of snapshots, answers of sessions."""
    if _log_throttle.allow():
        empty_write_ahead_log()


_STEPS: tuple[Callable[[], None], ...] = (
    jobs_stop_quarantined,
    jobs_stop_withdrawn,
    jobs_tick,
    checkpoints_tick,
    uploads_tick,
    sessions_tick,
    delete_finished,
    delete_abandoned,
    delete_withdrawn,
    _empty_log_each_minute,
    _sweep_hourly,
    _request_pulse,
)
