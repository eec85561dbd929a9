"""A file that grows piece by piece, over many requests and processes, before it is stored.

On disk it is a file outside the storage, which is renamed into it at the end. In an object store it
is a multipart upload, and a small separate object holds an incomplete part. The offset determines
all positions, so that another process can continue.
"""

import os
from pathlib import Path
from types import ModuleType
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from marketplace import storage
from marketplace.storage.errors import BytesLost


class GrowingFile(Protocol):
    """A growing file, open for appending."""

    def write(self, data: bytes) -> None:
        """Append the bytes."""

    def sync(self) -> None:
        """Return once everything written so far survives a power cut."""

    def close(self) -> None:
        """Close the file. Bytes that were not synced may be lost."""


def begin(pk: UUID) -> str:
    """Return the object store's name of the new file; empty on disk."""
    name: str = "" if storage.is_local() else _multipart().begin(pk)
    return name


def open_at(pk: UUID, name: str, *, offset: int, length: int) -> GrowingFile:
    """Open the file after its first `offset` bytes. Later bytes are discarded.

    Raise OSError if the store fails, BytesLost if it no longer has these bytes.
    """
    if storage.is_local():
        return _LocalFile(_path(pk), offset)
    file: GrowingFile = _multipart().MultipartFile(pk, name, offset=offset, length=length)
    return file


def finish(pk: UUID, name: str, *, length: int) -> None:
    """Move the complete file to its key in storage. Idempotent."""
    key = storage.incoming_key(pk)
    if not storage.is_local():
        _multipart().finish(pk, name, length=length)
    elif _path(pk).exists():
        storage.adopt_file(key, _path(pk))
    elif not default_storage.exists(key):
        raise BytesLost(f"the bytes of upload {pk} are gone")


def discard(pk: UUID, name: str) -> None:
    if storage.is_local():
        _path(pk).unlink(missing_ok=True)
    else:
        _multipart().discard(pk, name)


def _multipart() -> ModuleType:
    """Import the module only for an object store: its library takes time and memory."""
    from marketplace.storage import growing_multipart

    return growing_multipart


def _path(pk: UUID) -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{pk}.growing"


class _LocalFile:
    def __init__(self, path: Path, offset: int) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._handle).st_size < offset:
            self.close()
            raise BytesLost(f"{path.name} has lost bytes")
        os.ftruncate(self._handle, offset)
        os.lseek(self._handle, offset, os.SEEK_SET)
        storage.sync(path.parent)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]

    def sync(self) -> None:
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)
