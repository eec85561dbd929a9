"""Restore from a backup. Everything is verified before anything is changed."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.core.errors import Conflict, DomainError
from marketplace.jobs.models import Job
from marketplace.jobs.states import FINAL
from marketplace.operations.backup import FORMAT, MANIFEST, hash_of, kept_keys, key_check
from marketplace.operations.database_files import FILE_NAMES, load_database
from marketplace.operations.stored_files import stored_keys


@dataclass(frozen=True)
class Restored:
    n_files: int
    other_key: bool


def backup_restore(folder: Path, *, replace: bool = False) -> Restored:
    """Restore database and files. Raise Conflict if the instance is not empty, unless `replace`."""
    manifest = backup_check(folder)
    if not replace and not _is_empty():
        raise Conflict(
            "This instance has people or files; restore into an empty one, or use --replace to "
            "delete what it has."
        )
    load_database(folder / FILE_NAMES[connection.vendor])
    call_command("migrate", interactive=False, verbosity=0)
    _put_files(folder, manifest)
    _renew_snapshot_secrets()
    return Restored(len(manifest["files"]), manifest["key_check"] != key_check())


def backup_check(folder: Path) -> dict[str, Any]:
    """Return a backup's manifest. Raise DomainError if it is damaged or does not fit."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise DomainError(f"{folder} is no backup: its {MANIFEST} cannot be read.") from error
    if manifest.get("format") != FORMAT:
        raise DomainError("This backup has another format; restore it with its own release.")
    if manifest["database"] != connection.vendor:
        raise DomainError(
            f"This is a backup of {manifest['database']}, and this instance uses "
            f"{connection.vendor}; set DATABASE_URL to the same kind."
        )
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    if unknown := [name for name in map(tuple, manifest["migrations"]) if name not in known]:
        raise DomainError(
            f"This backup was made by release {manifest['version']}, which is newer (it has "
            f"{'.'.join(unknown[0])}); install that release first."
        )
    _check_hashes(folder, manifest)
    return manifest


def _check_hashes(folder: Path, manifest: dict[str, Any]) -> None:
    expected = {FILE_NAMES[manifest["database"]]: manifest["database_sha256"]}
    expected |= {f"files/{file['key']}": file["sha256"] for file in manifest["files"]}
    for name, sha256 in expected.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DomainError(f"The manifest names {name}, which is outside of the backup.")
        if not path.is_file() or hash_of(path) != sha256:
            raise DomainError(f"{name} is missing or damaged; use another backup.")


def _is_empty() -> bool:
    try:
        people = User.objects.exists()
    except DatabaseError:
        # Nothing was ever migrated here.
        people = False
    return not people and next(iter(kept_keys()), None) is None


def _put_files(folder: Path, manifest: dict[str, Any]) -> None:
    for file in manifest["files"]:
        storage.put_file(file["key"], folder / "files" / file["key"])
    kept = {file["key"] for file in manifest["files"]}
    for key in list(stored_keys()):
        if key not in kept:
            storage.remove(key)


def _renew_snapshot_secrets() -> None:
    """Make unfinished jobs start from the beginning, because a backup has no snapshots."""
    for job in Job.objects.exclude(state__in=FINAL).only("pk"):
        Job.objects.filter(pk=job.pk).update(snapshot_secret=secrets.token_hex(32))
