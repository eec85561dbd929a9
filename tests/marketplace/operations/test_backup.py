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


<<<<<<< HEAD
def test_an_instance_with_people_is_not_restored_into_unless_asked(
    folder: Path, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_make(folder)
    monkeypatch.setattr("marketplace.operations.restore.load_database", _never)
    with pytest.raises(Conflict, match="use --replace"):
        backup_restore(folder)


def test_an_instance_with_files_alone_is_not_empty_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup_make(folder)
    storage.put_stream("learners/x/README.md", ContentFile(b"card"))
    monkeypatch.setattr("marketplace.operations.restore.load_database", _never)
    with pytest.raises(Conflict, match="use --replace"):
        backup_restore(folder)


def _never(source: Any) -> None:
    raise AssertionError("the database was touched")


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({"format": 2}, "another format"),
        ({"database": "oracle"}, "a backup of oracle"),
        (
            {"migrations": [["jobs", "9999_future"]], "version": "9.9"},
            "release 9.9, which is newer",
        ),
        ({"database_sha256": "0" * 64}, "missing or damaged"),
        ({"files": [{"key": "a", "size": 1, "sha256": "0" * 64}]}, "missing or damaged"),
        ({"files": [{"key": "../../x", "size": 1, "sha256": "0" * 64}]}, "outside of the backup"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused_before_anything_is_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, entries: dict[str, Any], says: str
) -> None:
    backup_make(folder)
    change(folder, **entries)
    monkeypatch.setattr("marketplace.operations.restore.load_database", _never)
    with pytest.raises(DomainError, match=says):
        backup_restore(folder, replace=True)


def test_a_damaged_file_is_found(folder: Path, make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint()
    backup_make(folder)
    (folder / "files" / storage.checkpoint_key(row.pk)).write_bytes(b"other")
    with pytest.raises(CommandError, match=r"model.safetensors is missing or damaged"):
        call_command("restore", str(folder), "--replace")


def test_a_folder_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="is no backup"):
        backup_check(tmp_path)


=======
>>>>>>> h-test-b
def test_the_manifest_tells_another_key_without_the_key(folder: Path, settings: Settings) -> None:
    here = backup_make(folder)["key_check"]
    assert here not in settings.SECRET_KEY and len(here) == 16
    settings.SECRET_KEY = "another one that is long enough to be a secret key of an instance"
    assert backups.key_check() != here
