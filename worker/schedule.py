"""Intervals by the monotonic clock, which is not affected by setting the time of day."""

import math
import time
from collections.abc import Callable
from typing import Any

from celery.beat import ScheduleEntry, Scheduler


class MonotonicScheduler(Scheduler):
    """Sends every entry of Celery's beat schedule at its interval of the monotonic clock.

    Celery's own schedulers compare times of day, so setting the clock back an hour silences them
    for an hour. This one also needs no file: after a restart every entry is due.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._due_at: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self, **_: Any) -> float:
        """Send the entries that are due. Return the seconds until the next one."""
        for name, entry in list(self.schedule.items()):
            if time.monotonic() >= self._due_at.get(name, 0.0):
                self._due_at[name] = time.monotonic() + _interval_s(entry)
                self.apply_entry(entry, producer=self.producer)
        next_at = min(self._due_at.values(), default=time.monotonic() + self.max_interval)
        return float(min(max(0.0, next_at - time.monotonic()), self.max_interval))


def _interval_s(entry: ScheduleEntry) -> float:
    return float(entry.schedule.run_every.total_seconds())


class Throttle:
    """Allows an action once per interval: the first time `at_once`, or after one interval."""

    def __init__(
        self,
        interval_s: float,
        *,
        at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._allowed_at = -math.inf if at_once else clock()

    def allow(self) -> bool:
        """Return whether the interval is over. If so, the next one begins."""
        now = self._clock()
        if now - self._allowed_at < self._interval_s:
            return False
        self._allowed_at = now
        return True
