"""Uploads on their way in: written once, next to the storage, and hashed meanwhile."""

import ctypes
import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile

from marketplace.checkpoints.selectors import storage_used_by
from marketplace.core.errors import DomainError, InsufficientStorage, TooLarge

CHUNK_BYTES = 2**20
# The disk begins with the file while the rest of it arrives, so that little is left to wait for.
WRITE_BACK_BYTES = 16 * CHUNK_BYTES
_SYNC_FILE_RANGE_WRITE = 2
# An upload that takes longer than this was cut off together with its process.
ABANDONED_AFTER_S = 24 * 3600
# The two forms with a file, by the names of their routes, and the field in which it comes.
TAKE_A_FILE = {"checkpoint_upload", "api-checkpoint-list"}
FILE_FIELD = "file"
# The form whose manifest says what its files are, each in a field of its own.
TAKES_FILES, MANIFEST_FIELD = "api-checkpoint-manifest", "manifest"
MAX_FILES = 50


class IncomingFile(TemporaryUploadedFile):
    """An upload that lies complete on the disk of the storage, with its hash.

    It is deleted when the request ends, unless somebody took the file by renaming it.
    """

    sha256: str
    owner_id: int
    # What its request announced, as long as it arrives; the row counts for it afterwards.
    reserved = 0

    def take(self) -> Path:
        """The path, for a caller who renames the file away."""
        assert self.file is not None
        self.file.flush()
        return Path(self.temporary_file_path())


class RefusedFile(UploadedFile):
    """Stands for an upload that was not kept; `error` says why."""

    def __init__(self, name: str, size: int, error: DomainError) -> None:
        super().__init__(file=None, name=name, size=size)
        self.error = error

    def close(self) -> None:
        """Nothing is open; the other files of the request are closed after this one."""


def disk_full() -> InsufficientStorage:
    """What a person is told when a file cannot be written."""
    return InsufficientStorage(
        "The file could not be stored; the disk may be full. Tell your operator, then try again."
    )


def room_for_upload(user: Any, *, arriving: int = 0) -> tuple[int, DomainError]:
    """How many bytes this person's next file may have, and what is wrong with more.

    `arriving` is what other forms of theirs may still bring.
    """
    left = storage_left(user, arriving=arriving)
    if left < settings.MAX_CHECKPOINT_BYTES:
        return left, InsufficientStorage(
            "Your storage is full, or has no room for this file; delete a model, then upload again."
        )
    limit = settings.MAX_CHECKPOINT_BYTES / 2**20
    message = f"A checkpoint may have at most {limit:g} MiB here; ask your operator for more."
    return settings.MAX_CHECKPOINT_BYTES, TooLarge(message, fields={"file": message})


def storage_left(user: Any, *, arriving: int = 0) -> int:
    """How many bytes this person may still store."""
    allowed: int = settings.MAX_STORAGE_BYTES_PER_PERSON
    return max(0, allowed - storage_used_by(user) - arriving)


_arriving: "WeakSet[IncomingFile]" = WeakSet()
_arriving_lock = threading.Lock()


def _reserve(file: IncomingFile, user: Any, announced: int) -> tuple[int, DomainError]:
    """Room for the file beside those of the same person that this process is receiving."""
    with _arriving_lock:
        others = sum(
            other.reserved for other in _arriving if other.owner_id == user.pk and not other.closed
        )
        room, too_much = room_for_upload(user, arriving=others)
        file.owner_id, file.reserved = user.pk, min(room, announced)
        _arriving.add(file)
    return room, too_much


class InBackground:
    """Hands pieces to a function in a thread of its own, in order.

    Writing and hashing take as long as receiving and parsing, and need not wait for each other.
    """

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        self._consume = consume
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[object] | None = None

    def put(self, data: bytes) -> None:
        """The next piece; waits for the piece before, so at most two are in memory.

        Raises what the function raised for an earlier piece.
        """
        self.wait()
        self._last = self._thread.submit(self._consume, data)

    def wait(self) -> None:
        """Return once every piece so far has been dealt with; raises what the function raised."""
        if self._last is not None:
            self._last.result()

    def finish(self) -> None:
        """Wait for the last piece and end the thread; raises what the function raised."""
        self._thread.shutdown()
        self.wait()

    def abandon(self) -> None:
        """End the thread, whatever became of the last piece."""
        self._thread.shutdown(cancel_futures=True)


class StreamingUploadHandler(FileUploadHandler):
    """Writes the file of a form once, into the incoming folder, from where the storage takes it.

    Nothing of a stranger's upload is written, nothing where no file is asked for, and of nobody's
    more than there is room for: the rest is read and dropped, so that the answer arrives.
    """

    chunk_size = CHUNK_BYTES
    _begun = 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Open the file, unless the person may not upload at all, or not here, or not another."""
        super().new_file(*args, **kwargs)
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated or not self._is_asked_for():
            raise SkipFile
        self._received = 0
        self._refusal: DomainError | None = None
        if self._begun == self._most:
            self._refusal = DomainError(
                "Send one file; each model is an upload of its own."
                if self._most == 1
                else f"Send at most {self._most} files at a time."
            )
            return
        self._begun += 1
        _sweep()
        self._hash = hashlib.sha256()
        self.file = IncomingFile(
            self.file_name or "", self.content_type, 0, self.charset, self.content_type_extra
        )
        announced = int(self.request.META.get("CONTENT_LENGTH") or 0)  # type: ignore[union-attr]
        self._room, self._too_much = _reserve(self.file, user, announced)
        self._keeping = InBackground(_writer_of(self.file, self._hash))

    def _is_asked_for(self) -> bool:
        if self._route == TAKES_FILES:
            return self.field_name != MANIFEST_FIELD
        return self._route in TAKE_A_FILE and self.field_name == FILE_FIELD

    @property
    def _route(self) -> str:
        match = getattr(self.request, "resolver_match", None)
        return match.view_name if match else ""

    @property
    def _most(self) -> int:
        return MAX_FILES if self._route == TAKES_FILES else 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write and hash, as long as there is room."""
        self._received += len(raw_data)
        if self._refusal:
            return
        if self._received > self._room:
            self._refuse(self._too_much)
            return
        try:
            self._keeping.put(raw_data)
        except OSError:
            self._refuse(disk_full())

    def file_complete(self, file_size: int) -> UploadedFile:
        """The file, or what stands for it."""
        if not self._refusal:
            try:
                self._keeping.finish()
                self.file.seek(0)
            except OSError:
                self._refuse(disk_full())
        if self._refusal:
            return RefusedFile(self.file_name or "", self._received, self._refusal)
        whole = self.file
        # Another file of the same form may follow; this one no longer stands for all of it.
        whole.size = whole.reserved = file_size
        whole.sha256 = self._hash.hexdigest()
        # Django closes a handler's `file` when it skips another part of the form.
        del self.file
        return whole

    def upload_interrupted(self) -> None:
        """Nothing stays of a file whose connection broke."""
        if hasattr(self, "file"):
            self._drop()

    def _refuse(self, error: DomainError) -> None:
        self._refusal = error
        self._drop()

    def _drop(self) -> None:
        self._keeping.abandon()
        with suppress(OSError):
            self.file.close()


def _writer_of(file: IncomingFile, digest: Any) -> Callable[[bytes], object]:
    """Writes and hashes a piece; knows no handler, so that a broken upload leaves nothing."""

    begun = 0

    def keep(data: bytes) -> None:
        nonlocal begun
        file.write(data)
        digest.update(data)
        if file.tell() - begun >= WRITE_BACK_BYTES:
            begun = write_back(file, begun)

    return keep


def write_back(file: Any, begun: int) -> int:
    """Have the disk begin to write what follows `begun`, without waiting; where it now ends.

    A hint that only Linux takes: whether it was taken shows in nothing but the time of `fsync`.
    """
    file.flush()
    end: int = file.tell()
    if hint := getattr(ctypes.CDLL(None), "sync_file_range", None):
        hint(
            file.fileno(),
            ctypes.c_int64(begun),
            ctypes.c_int64(end - begun),
            _SYNC_FILE_RANGE_WRITE,
        )
    return end


def _sweep() -> None:
    """Delete what killed processes left behind."""
    before = time.time() - ABANDONED_AFTER_S
    folder = Path(settings.FILE_UPLOAD_TEMP_DIR)
    for pattern in ("*.upload*", "*.growing"):
        for path in folder.glob(pattern):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
