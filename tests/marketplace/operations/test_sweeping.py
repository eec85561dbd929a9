"""What killed processes left is removed once it is old; what a row speaks of stays."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from pytest_django import Settings

from marketplace import storage
from marketplace.adaptation.models import AdaptationSession
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.operations import sweeping
from marketplace.operations.sweeping import sweep


@pytest.fixture
def put() -> Callable[..., str]:
    """A file under a key."""

    def store(key: str) -> str:
        storage.put_stream(key, ContentFile(b"x"))
        return key

    return store


@pytest.fixture
def aged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in storage has been there for two days."""
    monkeypatch.setattr(sweeping, "OLD", timedelta(days=-1))


def test_of_uploads_only_those_that_a_worker_is_to_read_stay(
    put: Callable[..., str],
    aged: None,
    stored: Callable[..., Any],
    make_checkpoint: Callable[..., Any],
    make_upload: Callable[..., Any],
) -> None:
    states = (CheckpointState.UPLOADED, CheckpointState.VALIDATING)
    kept = [put(storage.incoming_key(make_checkpoint(state=state).pk)) for state in states]
    kept.append(put(storage.incoming_key(make_upload().pk)))
    rejected = make_checkpoint(state=CheckpointState.REJECTED)
    put(storage.incoming_key(rejected.pk))
    put(storage.incoming_key(uuid4()))
    sweep()
    assert stored("incoming") == sorted(kept)


def test_an_upload_that_may_be_read_again_stays_for_its_day(
    put: Callable[..., str],
    aged: None,
    stored: Callable[..., Any],
    make_checkpoint: Callable[..., Any],
) -> None:
    day = {"state": CheckpointState.REJECTED}
    now = timezone.now()
    rows = [
        make_checkpoint(**day, original_until=now + timedelta(hours=1)),
        make_checkpoint(original_until=now + timedelta(hours=1)),
        # Its owner may have asked just in time.
        make_checkpoint(**day, original_until=now - timedelta(minutes=1)),
    ]
    kept = [put(storage.incoming_key(row.pk)) for row in rows]
    put(storage.incoming_key(make_checkpoint(**day, original_until=now - timedelta(hours=1)).pk))
    sweep()
    assert stored("incoming") == sorted(kept)


def test_pictures_of_an_adaptation_whose_row_is_gone_go(
    put: Callable[..., str], aged: None, stored: Callable[..., Any], learner: MetaLearner
) -> None:
    kept = put(storage.adaptation_key(AdaptationSession.objects.create(learner=learner).pk))
    put(storage.adaptation_key(uuid4()))
    sweep()
    assert stored("adaptations") == [kept]


def test_what_is_young_is_left_alone_row_or_not(
    db: None, put: Callable[..., str], stored: Callable[..., Any]
) -> None:
    keys = [put(storage.adaptation_key(uuid4())), put(storage.incoming_key(uuid4()))]
    sweep()
    assert stored() == sorted(keys)


def test_files_of_rows_that_are_gone_go_and_those_of_others_stay(
    put: Callable[..., str],
    aged: None,
    stored: Callable[..., Any],
    learner: MetaLearner,
) -> None:
    put(f"{storage.snapshot_prefix(learner.job.pk)}/000001-000000001.snapshot")
    put("backup/notes")
    put("learners/no-id")
    before = stored()
    put(storage.learner_key(uuid4(), "browser/adapt.onnx"))
    put(storage.checkpoint_key(uuid4(), 1))
    put(f"{storage.snapshot_prefix(uuid4())}/000001-000000001.snapshot")
    sweep()
    assert stored() == before
    MetaLearner.objects.update(files=[])
    Job.objects.update(snapshot_secret="")
    sweep()
    left = ("checkpoints/", "backup/", "learners/no-id")
    assert stored() == [key for key in before if key.startswith(left)]


def old(path: Path) -> None:
    """As if nobody had touched it for two days."""
    two_days_ago = time.time() - 2 * 86_400
    for each in [*path.rglob("*"), path]:
        os.utime(each, (two_days_ago, two_days_ago))


def test_folders_and_files_of_killed_processes_on_this_machine_go(
    own_folder: Path, make_upload: Callable[..., Any]
) -> None:
    folder = own_folder / "incoming"
    upload = make_upload()
    (folder / f"{upload.pk}.growing").write_bytes(b"x")
    (folder / f"{uuid4()}.growing").write_bytes(b"x")
    (folder / "x.upload").write_bytes(b"x")
    for name in ("tmpdead", "tmpbusy"):
        (folder / name).mkdir()
        (folder / name / "model.safetensors").write_bytes(b"x")
    for path in folder.iterdir():
        old(path)
    os.utime(folder / "tmpbusy" / "model.safetensors")
    (folder / "young.upload").write_bytes(b"x")
    sweep()
    left = {path.name for path in folder.iterdir()}
    assert left == {f"{upload.pk}.growing", "tmpbusy", "young.upload"}


def test_a_finished_upload_needs_its_file_no_longer(
    put: Callable[..., str], aged: None, stored: Callable[..., Any], make_upload: Callable[..., Any]
) -> None:
    upload = make_upload()
    type(upload).objects.update(finished_at=timezone.now())
    put(storage.incoming_key(upload.pk))
    sweep()
    assert stored() == []


def test_without_a_folder_there_is_nothing_to_sweep(
    db: None, settings: Settings, tmp_path: Path
) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "none")
    sweep()
    assert not Path(settings.FILE_UPLOAD_TEMP_DIR).exists()
