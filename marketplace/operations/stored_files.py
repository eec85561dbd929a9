"""Lists all stored files, in any kind of storage."""

from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import default_storage


def stored_keys(prefix: str = "") -> Iterator[str]:
    """Yield every key below the prefix, sorted, without temporary files of unfinished writes."""
    if hasattr(default_storage, "bucket"):
        yield from _in_bucket(prefix)
        return
    root = Path(default_storage.path(""))
    for path in sorted((root / prefix).rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path.relative_to(root).as_posix()


def _in_bucket(prefix: str) -> Iterator[str]:
    """Need one request per thousand keys, whereas `listdir` needs one per folder."""
    location = f"{default_storage.location}/".lstrip("/")  # type: ignore[attr-defined]
    objects = default_storage.bucket.objects.filter(  # type: ignore[attr-defined]
        Prefix=f"{location}{prefix}"
    )
    for entry in objects:
        yield entry.key.removeprefix(location)
