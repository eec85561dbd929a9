"""What a restore refuses; `tests/journeys/test_drill.py` restores one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.core.errors import Conflict, DomainError
from marketplace.operations.backup import backup_make
from marketplace.operations.restore import backup_check, backup_restore

pytestmark = pytest.mark.django_db


def change(folder: Path, **entries: Any) -> None:
    """Change entries of the manifest."""
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


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
