"""Reports of a run's steps: progress in the job's row, and previews with consent."""

import io
import logging
import math
import time
from collections import deque
from collections.abc import Callable

import torch
from django.db import Error
from PIL import Image
from torch import Tensor

from marketplace.core.preview_store import STORE_ERRORS, preview_delete, preview_put
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_report
from marketplace.jobs.selectors import previews_consented
from marketplace.jobs.states import JobState
from metalearn.algorithm import StepReport
from worker.schedule import Throttle

log = logging.getLogger(__name__)

REPORT_EVERY_S = 1.0
PREVIEW_EVERY_S = 2.0
IMAGES_PER_CLASS = 10
MAX_CLASSES = 8
_GAP = 2
_RECENT_STEPS = 20


class Progress:
    """Collects step reports and writes them to the job's row, at most once a second."""

    def __init__(self, job: Job, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._job = job
        self._clock = clock
        self._last_step_at = clock()
        self._durations: deque[float] = deque(maxlen=_RECENT_STEPS)
        self._pending: dict[int, dict[str, float]] = {}
        self._latest: StepReport | None = None
        self._throttle = Throttle(REPORT_EVERY_S, clock=clock)
        self._state = JobState.RUNNING

    def record(self, report: StepReport) -> JobState:
        """Add a report. Return the job's last known state, or raise LeaseLost."""
        now = self._clock()
        self._durations.append(now - self._last_step_at)
        self._last_step_at = now
        self._latest = report
        # A curve cannot show NaN or infinity. The weights are checked at the end.
        finite = {name: value for name, value in report.metrics.items() if math.isfinite(value)}
        self._pending[report.step] = finite
        if self._throttle.allow() or report.step in (1, report.total_steps):
            self.flush()
        return self._state

    def flush(self) -> JobState:
        """Write the pending reports. Return the job's state, or raise LeaseLost."""
        report = self._latest
        if report is not None:
            self._state = job_report(
                job=self._job,
                stage=report.stage,
                steps_done=report.step,
                total_steps=report.total_steps,
                eta_s=self.eta_s(report),
                metrics=self._pending,
            )
            self._pending = {}
        return self._state

    def eta_s(self, report: StepReport) -> float:
        """Return the seconds left, if the remaining steps take as long as the recent ones."""
        mean = sum(self._durations) / max(1, len(self._durations))
        return mean * (report.total_steps - report.step)


class Previews:
    """Puts recovered episodes into the preview store. Its errors never stop a run."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._throttle = Throttle(PREVIEW_EVERY_S)

    def put(self, report: StepReport) -> None:
        """Store the report's recovered episode, if there is one and it may be shown."""
        if not self._job.previews or report.recovered is None or not self._throttle.allow():
            return
        if not self._consented():
            return
        episode = report.recovered
        png = grid_png(episode.support_images, episode.support_labels)
        try:
            preview_put(str(self._job.pk), png)
        except STORE_ERRORS:
            log.warning("the preview of job %s could not be stored", self._job.pk)

    def _consented(self) -> bool:
        """Query the consents for each grid, because an owner may withdraw while the job runs."""
        try:
            return previews_consented(self._job)
        except Error:
            log.warning("the consents to previews of job %s could not be read", self._job.pk)
            return False

    def remove(self) -> None:
        """Remove the grid before it expires."""
        if not self._job.previews:
            return
        try:
            preview_delete(str(self._job.pk))
        except STORE_ERRORS:
            log.warning("the preview of job %s could not be removed; it expires", self._job.pk)


def grid_png(images: Tensor, labels: Tensor) -> bytes:
    """Return PNG bytes with one row of images per class; images (n, c, h, w) in [0, 1] or uint8."""
    if images.dtype != torch.uint8:
        images = (images.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    images, labels = images.cpu(), labels.cpu()
    rows = [
        images[labels == label][:IMAGES_PER_CLASS]
        for label in range(min(int(labels.max()) + 1, MAX_CLASSES))
    ]
    columns, size = max(len(row) for row in rows), images.shape[-1]
    cell = size + _GAP
    grid = torch.full((3, len(rows) * cell - _GAP, columns * cell - _GAP), 255, dtype=torch.uint8)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            grid[:, y * cell : y * cell + size, x * cell : x * cell + size] = image
    buffer = io.BytesIO()
    Image.fromarray(grid.permute(1, 2, 0).contiguous().numpy()).save(buffer, "PNG")
    return buffer.getvalue()
