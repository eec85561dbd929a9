"""A run's reports: progress at most once a second, and previews that never stop the run.

A preview is a grid in memory, shown only when every owner consented.
"""

import io
from typing import Any

import numpy as np
import pytest
import torch
from django.db import OperationalError
from PIL import Image

from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.moves import job_claim
from marketplace.pools.models import PoolMember
from metalearn.algorithm import StepReport
from metalearn.numerics.episode import Episode
from worker.reporting import Previews, Progress, grid_png


def episode(channels: int = 3) -> Episode:
    images = torch.zeros(6, channels, 8, 8)
    images[3:] = 1.0
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    return Episode(images, labels, images, labels)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    grids: dict[Any, Any] = {}
    monkeypatch.setattr("worker.reporting.preview_put", grids.__setitem__)
    monkeypatch.setattr("worker.reporting.PREVIEW_EVERY_S", 0)
    return grids


@pytest.mark.parametrize("channels", [1, 3])
def test_the_grid_has_a_row_for_each_class(channels: int) -> None:
    recovered = episode(channels)
    png = grid_png(recovered.support_images, recovered.support_labels)
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert pixels.shape == (18, 28, 3)
    assert (pixels[:8, :8] == 0).all()
    assert (pixels[10:, :8] == 255).all()


def test_without_consent_of_every_owner_nothing_is_shown(
    queued_job: Job, shown: dict[Any, Any]
) -> None:
    queued_job.previews = False
    Previews(queued_job).put(StepReport(1, 2, "training", recovered=episode()))
    assert shown == {}


def test_with_consent_the_newest_grid_is_shown(queued_job: Job, shown: dict[Any, Any]) -> None:
    queued_job.previews = True
    previews = Previews(queued_job)
    previews.put(StepReport(1, 2, "warm-up"))
    assert shown == {}
    previews.put(StepReport(2, 2, "training", recovered=episode()))
    assert shown[str(queued_job.pk)].startswith(b"\x89PNG")


def test_a_store_that_is_away_does_not_stop_the_run(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(job_id: str, png: bytes) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("worker.reporting.PREVIEW_EVERY_S", 0)
    monkeypatch.setattr("worker.reporting.preview_put", away)
    queued_job.previews = True
    Previews(queued_job).put(StepReport(1, 2, "training", recovered=episode()))


def test_no_more_grids_are_made_once_an_owner_has_withdrawn_the_consent(
    queued_job: Job, shown: dict[Any, Any]
) -> None:
    model = Checkpoint.objects.create(
        owner=queued_job.owner, name="m", licence=Licence.MIT, image_size=8, channels=3,
        upload_bytes=1, consent_recovery=True, consent_preview=True,
    )  # fmt: skip
    PoolMember.objects.create(pool=queued_job.pool, checkpoint=model, position=0)
    queued_job.previews = True
    previews = Previews(queued_job)
    report = StepReport(1, 2, "training", recovered=episode())
    previews.put(report)
    assert shown.pop(str(queued_job.pk))
    Checkpoint.objects.update(consent_preview=False)
    previews.put(report)
    assert shown == {}


def test_a_database_that_is_away_does_not_stop_the_run_either(
    queued_job: Job, shown: dict[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(job: Job) -> None:
        raise OperationalError("could not connect")

    monkeypatch.setattr("worker.reporting.previews_consented", away)
    queued_job.previews = True
    Previews(queued_job).put(StepReport(1, 2, "training", recovered=episode()))
    assert shown == {}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_reports_within_a_second_are_written_together(queued_job: Job) -> None:
    job = job_claim(job_id=queued_job.pk, worker="here")
    clock = Clock()
    progress = Progress(job, clock=clock)
    written = []
    for step in range(1, 8):
        clock.now += 0.4
        progress.record(StepReport(step, 10, "training", {"loss": float(step)}))
        written.append(MetricPoint.objects.filter(job=job).count())
    assert written == [1, 1, 3, 3, 3, 6, 6]


def test_time_left_follows_the_recent_steps(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    progress = Progress(queued_job, clock=clock)
    monkeypatch.setattr(progress._throttle, "allow", lambda: False)  # nothing is written here
    for step in range(2, 5):
        clock.now += 3
        report = StepReport(step, 10, "training")
        progress.record(report)
    assert progress.eta_s(report) == 18


def test_long_curves_are_thinned(queued_job: Job) -> None:
    job = job_claim(job_id=queued_job.pk, worker="here")
    clock = Clock()
    progress = Progress(job, clock=clock)
    total = 5000
    for step in range(1, total + 1):
        progress.record(StepReport(step, total, "training", {"loss": 1.0}))
    steps = list(MetricPoint.objects.filter(job=job).values_list("step", flat=True))
    assert 1000 <= len(steps) <= 1002
    assert {1, total} <= set(steps)
