"""A backup: one folder with the database, every file that is meant to last, and their hashes.

Left out are what must not be kept and what is no loss: the sealed snapshots of unfinished
jobs, whose keys are in the database (a key never lies beside what it opens), the sealed pictures
of adaptations under way, and previews, which are in no storage. The instance's own secret key is
left out too: the backup alone opens nothing.
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
    """One file of the backup."""

    key: str
    size: int
    sha256: str


def backup_make(folder: Path) -> dict[str, Any]:
    """Write a backup into a folder that does not exist yet; its manifest.

    The database comes first and the files after it. Files never change, and each is there before
    its row, so all that the rows name is found, unless one is deleted meanwhile: then we
    start again.
    """
    if folder.exists():
        raise DomainError(f"{folder} is there already; name a folder that is not.")
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
    raise DomainError("Files were deleted during every attempt; try again when fewer people work.")


def kept_keys() -> Iterable[str]:
    """The keys of everything that is meant to last."""
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
    """Tells whether a backup was made under this instance's secret key, and nothing of the key."""
    return hmac.new(settings.SECRET_KEY.encode(), b"backup", "sha256").hexdigest()[:16]


def hash_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
