"""Where files live: every key is chosen here, never by a person."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

CHUNK_BYTES = 1024 * 1024


def incoming_key(upload_id: UUID) -> str:
    """The upload as it came, until it is validated; then it is gone."""
    return f"incoming/{upload_id}"


def checkpoint_key(checkpoint_id: UUID) -> str:
    """Our own re-serialisation of a validated checkpoint."""
    return f"checkpoints/{checkpoint_id}/model.safetensors"


def snapshot_prefix(job_id: UUID) -> str:
    """The folder of a job's snapshots."""
    return f"snapshots/{job_id}"


def learner_key(learner_id: UUID, path: str) -> str:
    """One file of a learner directory."""
    return f"learners/{learner_id}/{path}"


def adaptation_key(session_id: UUID) -> str:
    """The sealed pictures of one adaptation request, for its length only."""
    return f"adaptations/{session_id}"


def put_file(key: str, source: Path) -> None:
    """Store a local file under the key, in place of what was there."""
    with source.open("rb") as handle:
        put_stream(key, File(handle))


def put_stream(key: str, file: "File[bytes]") -> None:
    """Store a stream under the key; whoever reads meanwhile sees the old file or the new one."""
    if not _is_local():
        default_storage.save(key, file)
        return
    target = Path(default_storage.path(key))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
        try:
            for chunk in file.chunks(CHUNK_BYTES):
                part.write(chunk)
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    Path(part.name).replace(target)


def adopt_file(key: str, source: Path) -> None:
    """Store a local file under the key and give up the local one; a rename where possible."""
    if not _is_local():
        put_file(key, source)
        source.unlink(missing_ok=True)
        return
    target = Path(default_storage.path(key))
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)


@contextmanager
def local_copy(key: str) -> Iterator[Path]:
    """The file as a path on this machine; a temporary copy unless storage is local."""
    if _is_local():
        yield Path(default_storage.path(key))
        return
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        target = Path(folder) / "file"
        fetch(key, target)
        yield target


def fetch(key: str, target: Path) -> None:
    """Copy the stored file to a path on this machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with default_storage.open(key) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, CHUNK_BYTES)


def local_directory(prefix: str) -> Path | None:
    """The folder of the prefix, where storage is a folder of this machine."""
    return Path(default_storage.path(prefix)) if _is_local() else None


def open_stored(key: str) -> "File[bytes]":
    """The file, open for reading."""
    file: File[bytes] = default_storage.open(key, "rb")
    return file


def remove(key: str) -> None:
    """Delete the file; nothing happens when it is not there."""
    default_storage.delete(key)


def names_in(prefix: str) -> list[str]:
    """The file names directly below the prefix, sorted; temporary ones left out."""
    try:
        _, files = default_storage.listdir(prefix)
    except FileNotFoundError:
        return []
    return sorted(name for name in files if not name.startswith("."))


def _is_local() -> bool:
    return hasattr(default_storage, "location") and not settings.S3_BUCKET
