"""How often a run reports, and how much time it has left."""

import math
import time
from collections import deque
from collections.abc import Callable

from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_report
from marketplace.jobs.states import JobState
from metalearn.algorithm import StepReport
from worker.every import Every

REPORT_EVERY_S = 1.0
_RECENT_STEPS = 20


class Progress:
    """Collects step reports and writes them to the job's row, at most once a second."""

    def __init__(self, job: Job, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._job = job
        self._clock = clock
        self._last_step_at = clock()
        self._durations: deque[float] = deque(maxlen=_RECENT_STEPS)
        self._unwritten: dict[int, dict[str, float]] = {}
        self._latest: StepReport | None = None
        self._every = Every(REPORT_EVERY_S, clock=clock)
        self._state = JobState.RUNNING

    def note(self, report: StepReport) -> JobState:
        """Take a report; returns the job's state as last known. Raises LeaseLost."""
        now = self._clock()
        self._durations.append(now - self._last_step_at)
        self._last_step_at = now
        self._latest = report
        # A curve cannot show what is no number; the weights are checked at the end.
        numbers = {name: value for name, value in report.metrics.items() if math.isfinite(value)}
        self._unwritten[report.step] = numbers
        if self._every.due() or report.step in (1, report.total_steps):
            self.write()
        return self._state

    def write(self) -> JobState:
        """Write what has been noted."""
        report = self._latest
        if report is not None:
            self._state = job_report(
                job=self._job,
                stage=report.stage,
                steps_done=report.step,
                total_steps=report.total_steps,
                eta_s=self.eta_s(report),
                metrics=self._unwritten,
            )
            self._unwritten = {}
        return self._state

    def eta_s(self, report: StepReport) -> float:
        """Seconds left, if the steps to come take as long as the recent ones."""
        mean = sum(self._durations) / max(1, len(self._durations))
        return mean * (report.total_steps - report.step)
