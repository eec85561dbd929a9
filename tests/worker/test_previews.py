"""Previews: a grid in memory, only when every owner consented, never a reason to stop a run."""

import io

import numpy as np
import pytest
import torch
from django.db import OperationalError
from PIL import Image

from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.pools.models import PoolMember
from metalearn.algorithm import StepReport
from metalearn.numerics.episode import Episode
from worker.previews import Previews, grid_png


def episode(channels=3):
    images = torch.zeros(6, channels, 8, 8)
    images[3:] = 1.0
    labels = torch.tensor([0, 0, 0, 1, 1, 1])
    return Episode(images, labels, images, labels)


@pytest.fixture
def shown(monkeypatch):
    grids = {}
    monkeypatch.setattr("worker.previews.preview_put", grids.__setitem__)
    monkeypatch.setattr("worker.previews.SHOW_EVERY_S", 0)
    return grids


@pytest.mark.parametrize("channels", [1, 3])
def test_the_grid_has_a_row_for_each_class(channels):
    recovered = episode(channels)
    png = grid_png(recovered.support_images, recovered.support_labels)
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert pixels.shape == (18, 28, 3)
    assert (pixels[:8, :8] == 0).all()
    assert (pixels[10:, :8] == 255).all()


def test_without_consent_of_every_owner_nothing_is_shown(queued_job, shown):
    queued_job.previews = False
    Previews(queued_job).show(StepReport(1, 2, "training", recovered=episode()))
    assert shown == {}


def test_with_consent_the_newest_grid_is_shown(queued_job, shown):
    queued_job.previews = True
    previews = Previews(queued_job)
    previews.show(StepReport(1, 2, "warm-up"))
    assert shown == {}
    previews.show(StepReport(2, 2, "training", recovered=episode()))
    assert shown[str(queued_job.pk)].startswith(b"\x89PNG")


def test_a_store_that_is_away_does_not_stop_the_run(queued_job, monkeypatch):
    def away(job_id, png):
        raise ConnectionRefusedError

    monkeypatch.setattr("worker.previews.SHOW_EVERY_S", 0)
    monkeypatch.setattr("worker.previews.preview_put", away)
    queued_job.previews = True
    Previews(queued_job).show(StepReport(1, 2, "training", recovered=episode()))


def test_no_more_grids_are_made_once_an_owner_has_withdrawn_the_consent(queued_job, shown):
    model = Checkpoint.objects.create(
        owner=queued_job.owner, name="m", licence=Licence.MIT, image_size=8, channels=3,
        upload_bytes=1, consent_recovery=True, consent_preview=True,
    )  # fmt: skip
    PoolMember.objects.create(pool=queued_job.pool, checkpoint=model, position=0)
    queued_job.previews = True
    previews = Previews(queued_job)
    report = StepReport(1, 2, "training", recovered=episode())
    previews.show(report)
    assert shown.pop(str(queued_job.pk))
    Checkpoint.objects.update(consent_preview=False)
    previews.show(report)
    assert shown == {}


def test_a_database_that_is_away_does_not_stop_the_run_either(queued_job, shown, monkeypatch):
    def away(job):
        raise OperationalError("could not connect")

    monkeypatch.setattr("worker.previews.previews_consented", away)
    queued_job.previews = True
    Previews(queued_job).show(StepReport(1, 2, "training", recovered=episode()))
    assert shown == {}
