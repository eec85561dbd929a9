"""A folder for a backup."""

from pathlib import Path

import pytest

from marketplace.operations import backup as backups


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the backup goes; the dump itself is left to the drill."""
    monkeypatch.setattr(backups, "dump_database", lambda target: target.write_bytes(b"dump"))
    return tmp_path / "backup"
