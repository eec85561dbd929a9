"""Backups: one folder with the database, all permanent files and their hashes.

Not included are the sealed snapshots of unfinished jobs, whose keys are in the database (a key is
never stored next to what it opens), the sealed pictures of running adaptations, and previews, which
are not stored. The instance's secret key is not included either: the backup alone opens nothing.
"""

import hashlib
import hmac
import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from marketplace import storage
from marketplace.core.errors import DomainError
from marketplace.operations.database_files import FILE_NAMES, dump_database
from marketplace.operations.stored_files import stored_keys

FORMAT = 1
MANIFEST = "manifest.json"
NOT_KEPT = ("snapshots/", "adaptations/", "probe/")
_TRIES = 3


@dataclass(frozen=True)
class SavedFile:
    key: str
    size: int
    sha256: str


def backup_make(folder: Path) -> dict[str, Any]:
    """Write a backup into a new folder. Return its manifest.

    The database is saved first, then the files. Files never change, and each is stored before its
    row, so all files of the rows exist unless one is deleted meanwhile. In that case the backup
    starts again.
    """
    if folder.exists():
        raise DomainError(f"{folder} already exists; name a new folder.")
    part = folder.with_name(f"{folder.name}.part")
    for _ in range(_TRIES):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        expected = set(kept_keys())
        database = part / FILE_NAMES[connection.vendor]
        dump_database(database)
        files, missing = _copy(expected | set(kept_keys()), part / "files")
        if not missing:
            manifest = _manifest(database, files)
            (part / MANIFEST).write_text(json.dumps(manifest, indent=1))
            part.rename(folder)
            return manifest
    shutil.rmtree(part, ignore_errors=True)
    raise DomainError("Files were deleted during every attempt; try again at a quieter time.")


def kept_keys() -> Iterable[str]:
    """Return the keys of all permanent files."""
    return (key for key in stored_keys() if not key.startswith(NOT_KEPT))


def _copy(keys: Iterable[str], folder: Path) -> tuple[list[SavedFile], list[str]]:
    saved, missing = [], []
    for key in sorted(keys):
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            storage.fetch(key, target)
        except FileNotFoundError:
            missing.append(key)
        else:
            saved.append(SavedFile(key, target.stat().st_size, hash_of(target)))
    return saved, missing


def _manifest(database: Path, files: list[SavedFile]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": settings.VERSION,
        "made_at": timezone.now().isoformat(),
        "database": connection.vendor,
        "database_sha256": hash_of(database),
        "migrations": sorted(MigrationRecorder(connection).applied_migrations()),
        "key_check": key_check(),
        "files": [asdict(file) for file in files],
    }


def key_check() -> str:
    """Return a check value of the secret key, which reveals nothing about the key."""
    return hmac.new(settings.SECRET_KEY.encode(), b"backup", "sha256").hexdigest()[:16]


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
