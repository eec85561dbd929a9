"""Files of a folder, zip or tar archive, yielded one by one without unpacking to disk.

Names are only compared, never used as paths, so none can lead elsewhere. The number of files, the
size of each and the unpacked total are bounded.
"""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from metalearn.errors import InvalidData

MAX_MEMBERS = 300_000
MAX_MEMBER_BYTES = 200_000_000
MAX_TOTAL_BYTES = 16_000_000_000
_MAX_EXTENSION_BYTES = 65_536
_EXTENSIONS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_DAMAGED = (
    OSError,  # includes gzip.BadGzipFile
    EOFError,
    ValueError,
    OverflowError,
    NotImplementedError,
    RuntimeError,  # an encrypted member of a zip
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)

Wanted = Callable[[str], bool]


def members(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each wanted file, in the order of the archive or of the names.

    Names have forward slashes and no leading "./". Raises InvalidData if the archive is damaged or
    too large.
    """
    if path.is_dir():
        yield from _of_folder(path, wanted)
        return
    if not path.is_file():
        raise InvalidData(f"“{path}” does not exist; check the path.")
    try:
        yield from _of_zip(path, wanted) if zipfile.is_zipfile(path) else _of_tar(path, wanted)
    except _DAMAGED:
        raise InvalidData(
            f"“{path}” is not a whole zip or tar archive; download it again."
        ) from None


def names(path: Path) -> list[str]:
    found: list[str] = []

    def note(name: str) -> bool:
        found.append(name)
        return False

    for _ in members(path, note):
        pass
    return sorted(found)


def _of_folder(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    count = _Count(path)
    for file in sorted(path.rglob("*")):
        # A link could lead out of the folder.
        if file.is_symlink() or not file.is_file():
            continue
        name = file.relative_to(path).as_posix()
        count.member()
        if wanted(name):
            count.content(name, file.stat().st_size)
            yield name, file.read_bytes()


def _of_zip(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    count = _Count(path)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            count.member()
            name = info.filename.removeprefix("./")
            if info.is_dir() or not wanted(name):
                continue
            # zipfile stops at the stated size and verifies checksums.
            count.content(name, info.file_size)
            yield name, archive.read(info)


def _of_tar(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    count = _Count(path)
    with path.open("rb") as raw, _unpacked(raw) as stream:
        bounded = cast(BinaryIO, _Bounded(stream, count))
        with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_StrictInfo) as archive:
            for info in archive:
                count.member()
                # Forget members, so that memory stays constant for any archive.
                archive.members.clear()  # type: ignore[attr-defined]
                name = info.name.removeprefix("./")
                if info.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or not wanted(name):
                    continue
                count.content(name, info.size)
                file = archive.extractfile(info)
                content = file.read() if file else b""
                if len(content) < info.size:
                    raise EOFError
                yield name, content


def _unpacked(raw: io.BufferedReader) -> io.BufferedIOBase:
    head = raw.peek(2)[:2]
    return gzip.GzipFile(fileobj=raw) if head == b"\x1f\x8b" else raw


class _StrictInfo(tarfile.TarInfo):
    """A header that stops tarfile from reading a long name of any size into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_StrictInfo":
        info = super().frombuf(buf, encoding, errors)
        if info.type in _EXTENSIONS and info.size > _MAX_EXTENSION_BYTES:
            raise ValueError("an extension header is too long")
        return info


class _Bounded:
    """A stream that fails after too many bytes, since small files may unpack to huge ones."""

    def __init__(self, stream: io.BufferedIOBase, count: "_Count") -> None:
        self._stream = stream
        self._count = count

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._count.unfolded(len(data))
        return data


class _Count:
    """Counter of the used limits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members = self._bytes = self._unfolded = 0

    def member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise self._too_much(f"it has more than {MAX_MEMBERS:,} files")

    def content(self, name: str, size: int) -> None:
        if size > MAX_MEMBER_BYTES:
            shown = "".join(c if c.isprintable() else "�" for c in name[-60:])
            raise self._too_much(f"“{shown}” has {size:,} bytes")
        self._bytes += size
        if self._bytes > MAX_TOTAL_BYTES:
            raise self._too_much(f"its files have more than {MAX_TOTAL_BYTES:,} bytes")

    def unfolded(self, size: int) -> None:
        self._unfolded += size
        if self._unfolded > MAX_TOTAL_BYTES:
            raise self._too_much(f"it unfolds into more than {MAX_TOTAL_BYTES:,} bytes")

    def _too_much(self, what: str) -> InvalidData:
        return InvalidData(
            f"“{self._path}” is not read: {what}, far more than the data set's own archive; "
            "download that one."
        )
