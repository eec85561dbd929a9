"""Removes old files without a row, which killed processes left behind.

Recent files stay, because a file may exist shortly before or after its row.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet
from django.utils import timezone

from marketplace.adaptation.models import AdaptationSession
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.operations.stored_files import stored_keys
from marketplace.uploads.models import Upload

log = logging.getLogger(__name__)

OLD = timedelta(days=1)
_FOLDERS: dict[str, Callable[[], "QuerySet[Any]"]] = {
    "checkpoints": lambda: Checkpoint.objects.exclude(state=CheckpointState.DELETED),
    "learners": lambda: MetaLearner.objects.exclude(files=[]),
    "snapshots": lambda: Job.objects.exclude(snapshot_secret=""),
}
"""Folders with one folder for each row, and the rows that have files."""
_SLACK = timedelta(minutes=10)
_READ = [CheckpointState.UPLOADED, CheckpointState.VALIDATING]


def sweep() -> None:
    """Sweep uploads and pictures in storage, and this machine's upload folder."""
    _sweep_stored("incoming", _is_awaited)
    _sweep_stored("adaptations", _is_asked_about)
    for folder, rows in _FOLDERS.items():
        _sweep_folders(folder, rows)
    _sweep_folder(Path(settings.FILE_UPLOAD_TEMP_DIR))


def _is_awaited(pk: UUID) -> bool:
    """Return whether an upload is arriving, is being read, or may be read again.

    Allows slightly more time than the owner has, so that a last-minute request still finds the
    file.
    """
    coming = Upload.objects.filter(Q(finished_at=None) | Q(held=True), pk=pk)
    kept = Q(original_until__gt=timezone.now() - _SLACK)
    read = Checkpoint.objects.filter(Q(state__in=_READ) | kept, pk=pk)
    return coming.exists() or read.exists()


def _is_asked_about(pk: UUID) -> bool:
    return AdaptationSession.objects.filter(pk=pk).exists()


def _sweep_stored(folder: str, is_needed: Callable[[UUID], bool]) -> None:
    for name in _names(folder):
        key = f"{folder}/{name}"
        pk = _as_id(name)
        if (pk and is_needed(pk)) or not _is_old_in_storage(key):
            continue
        default_storage.delete(key)
        log.warning("%s was left behind and is now removed", key)


def _names(folder: str) -> list[str]:
    """List the names, including those of unfinished writes, which begin with a dot."""
    try:
        _, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(filter(None, files))


def _is_old_in_storage(key: str) -> bool:
    try:
        changed = default_storage.get_modified_time(key)
    except FileNotFoundError:
        return False
    return changed < timezone.now() - OLD


def _sweep_folders(prefix: str, rows: Callable[[], "QuerySet[Any]"]) -> None:
    """Remove the files of rows that are gone: a process may have died before it removed them."""
    try:
        folders, _ = default_storage.listdir(prefix)
    except FileNotFoundError:
        return
    names = {pk: name for name in folders if (pk := _as_id(name))}
    gone = set(names) - set(rows().values_list("pk", flat=True))
    for key in [key for pk in gone for key in stored_keys(f"{prefix}/{names[pk]}")]:
        if _is_old_in_storage(key):
            default_storage.delete(key)
            log.warning("%s was left behind and is now removed", key)


def _sweep_folder(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        pk = _as_id(path.name.partition(".")[0])
        growing = path.suffix == ".growing"
        if (growing and pk and _is_awaited(pk)) or not _is_old(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        log.warning("%s was left behind and is now removed", path.name)


def _is_old(path: Path) -> bool:
    """Decide by the newest entry: a folder's own time does not change when a file in it grows."""
    try:
        newest = max(entry.lstat().st_mtime for entry in _with_content(path))
    except FileNotFoundError:
        return False
    return newest < time.time() - OLD.total_seconds()


def _with_content(path: Path) -> Iterator[Path]:
    yield path
    if path.is_dir() and not path.is_symlink():
        yield from path.rglob("*")


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
