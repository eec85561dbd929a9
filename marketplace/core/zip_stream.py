"""Uncompressed zips that are written while they are sent, in constant memory."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

_ZIP64_FROM = 2**31


@dataclass(frozen=True)
class ZipEntry:
    """A file of the zip. Without a `size` it may be of any size."""

    path: str
    at: datetime
    chunks: Iterable[bytes]
    size: int | None = None


class _Sink:
    """The zip's output: a buffer that is emptied after every chunk."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing, because the buffer is emptied by `take`."""

    def close(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        """Return and remove what was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zip_chunks(entries: Iterable[ZipEntry]) -> Iterator[bytes]:
    """Yield the zip. An entry is taken from `entries` only when the one before it is written."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.path, entry.at.timetuple()[:6])
            info.external_attr = 0o644 << 16
            large = entry.size is None or entry.size >= _ZIP64_FROM
            with archive.open(info, "w", force_zip64=large) as member:
                for chunk in entry.chunks:
                    member.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()
