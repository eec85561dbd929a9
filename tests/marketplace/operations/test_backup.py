"""What a backup holds; `tests/journeys/test_drill.py` makes one and restores it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from pytest_django import Settings

from marketplace import storage
from marketplace.core.errors import DomainError
from marketplace.learners.models import MetaLearner
from marketplace.operations import backup as backups
from marketplace.operations.backup import backup_make, hash_of
from marketplace.operations.restore import backup_check

pytestmark = pytest.mark.django_db


def test_every_file_that_lasts_is_there_with_its_hash(
    folder: Path, learner: MetaLearner, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(content=b"weights")
    for key in (f"{storage.snapshot_prefix(row.pk)}/1", storage.adaptation_key(row.pk)):
        storage.put_stream(key, ContentFile(b"sealed"))
    manifest = backup_make(folder)
    saved = {file["key"]: file for file in manifest["files"]}
    assert saved[storage.checkpoint_key(row.pk)]["size"] == 7
    assert {key.split("/")[0] for key in saved} == {"checkpoints", "learners"}
    for key, file in saved.items():
        assert hash_of(folder / "files" / key) == file["sha256"]
    assert backup_check(folder)["files"] == manifest["files"]


def test_a_file_that_vanishes_meanwhile_makes_it_begin_anew(
    folder: Path, make_checkpoint: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = make_checkpoint("gone"), make_checkpoint("kept")
    real, asked = storage.fetch, []

    def fetch(key: str, target: Path) -> None:
        asked.append(key)
        if str(gone.pk) in key:
            storage.remove(key)
            raise FileNotFoundError(key)
        real(key, target)

    monkeypatch.setattr(storage, "fetch", fetch)
    manifest = backup_make(folder)
    assert [file["key"] for file in manifest["files"]] == [storage.checkpoint_key(kept.pk)]
    assert len([key for key in asked if str(kept.pk) in key]) == 2


def test_when_files_go_on_vanishing_it_says_so_and_leaves_nothing(
    folder: Path, make_checkpoint: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_checkpoint()

    def fetch(key: str, target: Path) -> None:
        raise FileNotFoundError(key)

    monkeypatch.setattr(storage, "fetch", fetch)
    with pytest.raises(DomainError, match="deleted during every attempt"):
        backup_make(folder)
    assert list(folder.parent.glob("backup*")) == []


def test_no_folder_is_written_over(folder: Path) -> None:
    backup_make(folder)
    with pytest.raises(CommandError, match="already exists"):
        call_command("backup", str(folder))


def test_the_manifest_tells_another_key_without_the_key(folder: Path, settings: Settings) -> None:
    here = backup_make(folder)["key_check"]
    assert here not in settings.SECRET_KEY and len(here) == 16
    settings.SECRET_KEY = "another one that is long enough to be a secret key of an instance"
    assert backups.key_check() != here
