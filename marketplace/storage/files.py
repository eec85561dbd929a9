"""Files on disk or in an object store. Durable ones survive a power cut."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

CHUNK_BYTES = 1024 * 1024
READ_BYTES = 256 * 1024


def put_file(key: str, source: Path) -> None:
    """Store a local file under the key, replacing an existing one."""
    with source.open("rb") as handle:
        put_stream(key, File(handle))


def put_stream(key: str, file: "File[bytes]", *, durable: bool = True) -> None:
    """Store a stream. Readers see the old file or the new one. A `durable` one is synced."""
    if not is_local():
        default_storage.save(key, file)
        return
    target = _make_way(key)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
        try:
            for chunk in file.chunks(CHUNK_BYTES):
                part.write(chunk)
            part.flush()
            if durable:
                os.fsync(part.fileno())
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    Path(part.name).replace(target)
    if durable:
        _sync_folders(target)


def adopt_file(key: str, source: Path) -> None:
    """Move a local file to the key, by renaming it where possible."""
    if not is_local():
        put_file(key, source)
        source.unlink(missing_ok=True)
        return
    target = _make_way(key)
    shutil.move(source, target)
    sync(target)
    _sync_folders(target)


@contextmanager
def local_copy(key: str) -> Iterator[Path]:
    """Provide the file as a local path, which is a temporary copy if storage is remote."""
    if is_local():
        yield Path(default_storage.path(key))
        return
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        target = Path(folder) / "file"
        fetch(key, target)
        yield target


def fetch(key: str, target: Path) -> None:
    """Copy the stored file to a local path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_local():
        shutil.copyfile(default_storage.path(key), target)
    else:
        _objects().download(key, target)


def stored_chunks(key: str, *, first: int = 0, n_bytes: int | None = None) -> Iterator[bytes]:
    """Yield `n_bytes` of a stored file from `first` on, or all that follow, in chunks.

    An object is read as its bytes arrive: its storage's own `open` would first copy all of it.
    FileNotFoundError is raised at the first chunk.
    """
    if not is_local():
        yield from _objects().object_chunks(key, first=first, n_bytes=n_bytes, size=READ_BYTES)
        return
    with default_storage.open(key) as file:
        file.seek(first)
        while n_bytes is None or n_bytes > 0:
            chunk = file.read(READ_BYTES if n_bytes is None else min(READ_BYTES, n_bytes))
            if not chunk:
                return
            if n_bytes is not None:
                n_bytes -= len(chunk)
            yield chunk


def local_directory(prefix: str) -> Path | None:
    """Return the prefix as a local folder, or None if storage is remote."""
    return Path(default_storage.path(prefix)) if is_local() else None


def remove(key: str) -> None:
    """Delete the file if it exists."""
    default_storage.delete(key)


def names_in(prefix: str) -> list[str]:
    """Return the sorted file names directly below the prefix, without temporary files."""
    try:
        _, files = default_storage.listdir(prefix)
    except FileNotFoundError:
        return []
    return sorted(name for name in files if not name.startswith("."))


def is_local() -> bool:
    return hasattr(default_storage, "location") and not settings.S3_BUCKET


def sync(path: Path) -> None:
    """Return once the file, or the names in the folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _objects() -> ModuleType:
    # boto3 is installed only where an object store is used.
    from marketplace.storage import objects

    return objects


def _make_way(key: str) -> Path:
    target = Path(default_storage.path(key))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _sync_folders(target: Path) -> None:
    """Sync all parent folders: a new name is durable only once its folder is."""
    above = Path(default_storage.path("")).parent
    for folder in target.parents:
        sync(folder)
        if folder == above:
            break
