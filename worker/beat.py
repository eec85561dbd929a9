"""The clock's own sense of time: the machine's clock may be set, and it goes on ticking evenly.

Celery's schedulers compare times of day, so a clock that is set back an hour silences them for an
hour. Ours keeps no file either: after a restart it just ticks.
"""

import time
from typing import Any

from celery.beat import ScheduleEntry, Scheduler


class SteadyScheduler(Scheduler):
    """Sends every entry each so many seconds by the clock that cannot be set."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._due: dict[str, float] = {}
        super().__init__(*args, **kwargs)

    def tick(self, **_: Any) -> float:
        """Send what is due; the seconds until the next one is."""
        for name, entry in list(self.schedule.items()):
            if time.monotonic() >= self._due.get(name, 0.0):
                self._due[name] = time.monotonic() + _every_s(entry)
                self.apply_entry(entry, producer=self.producer)
        soonest = min(self._due.values(), default=time.monotonic() + self.max_interval)
        return float(min(max(0.0, soonest - time.monotonic()), self.max_interval))


def _every_s(entry: ScheduleEntry) -> float:
    return float(entry.schedule.run_every.total_seconds())
