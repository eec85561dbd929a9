"""Files in forms. Larger files come in pieces (`marketplace.uploads.services`)."""

import hashlib
from pathlib import Path
from typing import Any, NoReturn

from django.conf import settings
from django.core.files import File
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from marketplace import storage
from marketplace.core.errors import DomainError
from marketplace.core.whole_numbers import content_length
from marketplace.uploads.quota import disk_full, room_for_upload

FILE_FIELD, MANIFEST_FIELD = "file", "manifest"
MAX_FILES = 50
_REFUSAL = "upload_refusal"
TAKE_FILES = {
    "checkpoint_upload": 1,
    "api-checkpoint-list": 1,
    "api-checkpoint-manifest": MAX_FILES,
}
"""Routes of forms with files, and the maximum number of files of each."""


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Django's handler, for forms that expect files, and while there is room.

    A refused file is read and dropped, so that the response arrives. `check_received` raises the
    reason.
    """

    chunk_size = storage.CHUNK_BYTES
    _begun = 0
    _taken = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file. Raise SkipFile if none is expected, or there is no room for it."""
        self.field_name = args[0] if args else kwargs["field_name"]
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated or not self._is_asked_for():
            raise SkipFile
        self._begun += 1
        if self._begun > self._most:
            self._refuse(_too_many(self._most))
        room, self._too_large = room_for_upload(user)
        self._room = room - self._taken
        if self._least_bytes() > self._room:
            self._refuse(self._too_large)
        super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write the chunk while there is room."""
        if start + len(raw_data) > self._room:
            self._refuse(self._too_large)
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError:
            self._refuse(disk_full())

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Return the complete file, at its beginning."""
        whole: UploadedFile | None = super().file_complete(file_size)
        self._taken += file_size
        # Django closes a handler's `file` when it skips another part of the form.
        del self.file
        return whole

    @property
    def _most(self) -> int:
        match = getattr(self.request, "resolver_match", None)
        return TAKE_FILES.get(match.view_name, 0) if match else 0

    def _is_asked_for(self) -> bool:
        if self._most > 1:
            return self.field_name != MANIFEST_FIELD
        return self._most == 1 and self.field_name == FILE_FIELD

    def _least_bytes(self) -> int:
        """Return the file's minimum size: the request without the maximum of its other fields."""
        announced = content_length(self.request) if self.request else 0
        return announced - settings.DATA_UPLOAD_MAX_MEMORY_SIZE if self._most == 1 else 0

    def _refuse(self, error: DomainError) -> NoReturn:
        if self._most > 1:
            error.fields = {str(self.field_name): str(error)}
        setattr(self.request, _REFUSAL, error)
        raise SkipFile from error


def check_received(request: Any) -> None:
    """Raise the reason why a file of this request was refused, if any."""
    error = getattr(request, _REFUSAL, None)
    if error is not None:
        raise error


def check_not_empty(file: "File[bytes]") -> None:
    if not file.size:
        raise DomainError("The file is empty; choose another one.", fields={"file": "Empty file."})


def hash_and_size(file: "File[bytes]") -> tuple[str, int]:
    """Return SHA-256 and size. The file is read once, and the result is cached on it."""
    known: tuple[str, int] | None = getattr(file, "hash_and_size", None)
    if known is None:
        hashed, size = hashlib.sha256(), 0
        for chunk in file.chunks(storage.CHUNK_BYTES):
            hashed.update(chunk)
            size += len(chunk)
        known = hashed.hexdigest(), size
        file.hash_and_size = known  # type: ignore[attr-defined]
        file.seek(0)
    return known


def store_received(key: str, file: "File[bytes]") -> None:
    """Store the file under the key, by renaming it if it is on the same disk."""
    if isinstance(file, TemporaryUploadedFile) and file.file is not None:
        file.file.flush()
        storage.adopt_file(key, Path(file.temporary_file_path()))
        file.close()  # now: the name is gone, which only Django's own `close` expects
    else:
        storage.put_stream(key, file)


def safe_file_name(said: str) -> str:
    """Return the last part of a file name, without characters that cannot be shown or stored."""
    last = said.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:255]


def _too_many(most: int) -> DomainError:
    return DomainError(
        "Send one file; upload each model separately."
        if most == 1
        else f"Send at most {most} files at a time."
    )
