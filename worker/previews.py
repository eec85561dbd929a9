"""Preview grids of recovered images, when every owner in the pool consented to them."""

import io
import logging

import torch
from django.db import Error
from PIL import Image
from torch import Tensor

from marketplace.core.preview_store import STORE_ERRORS, preview_forget, preview_put
from marketplace.jobs.models import Job
from marketplace.jobs.selectors import previews_consented
from metalearn.algorithm import StepReport
from worker.every import Every

log = logging.getLogger(__name__)

SHOW_EVERY_S = 2.0
PER_CLASS = 10
MAX_CLASSES = 8
_GAP = 2


class Previews:
    """Hands the newest recovered episode to the preview store: RAM only, never a disk."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._every = Every(SHOW_EVERY_S)

    def show(self, report: StepReport) -> None:
        """Show the report's recovered episode, if there is one and it may be shown."""
        if not self._job.previews or report.recovered is None or not self._every.due():
            return
        if not self._consented():
            return
        episode = report.recovered
        png = grid_png(episode.support_images, episode.support_labels)
        try:
            preview_put(str(self._job.pk), png)
        except STORE_ERRORS:
            # A picture that cannot be shown must not stop a run of hours.
            log.warning("the preview of job %s could not be shown", self._job.pk)

    def _consented(self) -> bool:
        """Asked for each grid, because an owner may withdraw it while the job runs."""
        try:
            return previews_consented(self._job)
        except Error:
            # A picture that cannot be shown must not stop a run of hours.
            log.warning("nobody can say whether job %s may be previewed", self._job.pk)
            return False

    def forget(self) -> None:
        """Take the grid away now rather than when its time is over."""
        if not self._job.previews:
            return
        try:
            preview_forget(str(self._job.pk))
        except STORE_ERRORS:
            log.warning("the preview of job %s could not be removed; it expires", self._job.pk)


def grid_png(images: Tensor, labels: Tensor) -> bytes:
    """One row of images for each class, as PNG bytes; images (n, c, h, w) in [0, 1] or uint8."""
    if images.dtype != torch.uint8:
        images = (images.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    images, labels = images.cpu(), labels.cpu()
    rows = [
        images[labels == label][:PER_CLASS]
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
