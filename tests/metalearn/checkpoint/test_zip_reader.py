"""One zip file, built field by field, and each field wrong once."""

import struct
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from metalearn.checkpoint.source import Source
from metalearn.checkpoint.zip_reader import read_entry, read_zip
from metalearn.errors import InvalidCheckpoint

ALL_ONES = 0xFFFFFFFF


@dataclass(frozen=True)
class Part:
    """One entry; None means: as it should be."""

    name: bytes = b"a/data.pkl"
    data: bytes = b"hello"
    flags: int = 0
    local_extra: bytes = b""
    central_extra: bytes = b""
    local_sizes: tuple[int, int, int] | None = None  # checksum, packed, size
    central_sizes: tuple[int, int] | None = None
    central_offset: int | None = None
    descriptor: bytes = b""
    local_name: bytes | None = None


@dataclass(frozen=True)
class Zip:
    """The archive around the parts."""

    parts: tuple[Part, ...] = (Part(),)
    before_directory: bytes = b""
    before_end: bytes = b""
    directory_at: int | None = None
    count: int | None = None


def built(archive: Zip) -> bytes:
    body, directory = b"", b""
    for part in archive.parts:
        crc, size = zlib.crc32(part.data), len(part.data)
        local = part.local_sizes or (crc, size, size)
        name = part.name if part.local_name is None else part.local_name
        packed, full = part.central_sizes or (size, size)
        offset = len(body) if part.central_offset is None else part.central_offset
        body += struct.pack(
            "<4s5H3L2H", b"PK\x03\x04", 20, part.flags, 0, 0, 0, *local,
            len(name), len(part.local_extra),
        )  # fmt: skip
        body += name + part.local_extra + part.data + part.descriptor
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, part.flags, 0, 0, 0, crc, packed, full,
            len(part.name), len(part.central_extra), 0, 0, 0, 0, offset,
        )  # fmt: skip
        directory += part.name + part.central_extra
    body += archive.before_directory
    at = len(body) if archive.directory_at is None else archive.directory_at
    count = len(archive.parts) if archive.count is None else archive.count
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), at, 0)
    return body + directory + archive.before_end + end


def end64(
    archive: Zip,
    *,
    count: int | None = None,
    offset: int | None = None,
    total: int | None = None,
    record_at: int | None = None,
    disk: int = 0,
    length: int = 44,
) -> bytes:
    """The 64-bit end record and its locator for an archive without them."""
    plain = built(archive)
    size, at = struct.unpack("<2L", plain[-10:-2])
    n = len(archive.parts) if count is None else count
    return struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", length, 45, 45, disk, 0, n, n if total is None else total,
        size, at if offset is None else offset,
    ) + struct.pack(
        "<4sLQL", b"PK\x06\x07", 0, len(plain) - 22 if record_at is None else record_at, 1
    )  # fmt: skip


def wide(*values: int, kind: int = 1) -> bytes:
    """A zip64 extra field."""
    return struct.pack("<2H", kind, 8 * len(values)) + struct.pack(f"<{len(values)}Q", *values)


def read(data: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "file"
    path.write_bytes(data)
    with Source(path) as source:
        return {
            name: bytes(read_entry(source, entry)) for name, entry in read_zip(source)[1].items()
        }


CRC = zlib.crc32(b"hello")
SHORT = struct.pack("<4sL2L", b"PK\x07\x08", CRC, 5, 5)
LONG = struct.pack("<4sL2Q", b"PK\x07\x08", CRC, 5, 5)
LATER = Part(flags=8, local_sizes=(0, 0, 0), descriptor=SHORT)

GOOD = {
    "plain": Zip(),
    "two entries": Zip((Part(), Part(b"a/data/0", b"bytes"))),
    "an entry without bytes": Zip((Part(), Part(b"a/data/0", b""))),
    "checksum behind the data": Zip((LATER, Part(b"a/data/0"))),
    "64-bit checksum behind the data": Zip((replace(LATER, descriptor=LONG),)),
    "descriptor and filled local header": Zip((Part(flags=8, descriptor=SHORT),)),
    "64-bit sizes announced early": Zip((replace(LATER, local_extra=wide(5, 5)),)),
    "64-bit sizes in the directory": Zip(
        (Part(central_sizes=(ALL_ONES, ALL_ONES), central_extra=wide(5, 5)),)
    ),
    "64-bit offset in the directory": Zip(
        (Part(), Part(b"a/x", central_offset=ALL_ONES, central_extra=wide(45)))
    ),
    "64-bit sizes in the local header": Zip(
        (Part(local_sizes=(CRC, ALL_ONES, ALL_ONES), local_extra=wide(5, 5)),)
    ),
    "torch's padding": Zip((Part(local_extra=b"FB\x03\x00ZZZ"),)),
    "64-bit end record": Zip(before_end=end64(Zip())),
    "64-bit end record alone": replace(
        Zip(before_end=end64(Zip())), directory_at=ALL_ONES, count=0xFFFF
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_writers_may_do_is_read(name: str, tmp_path: Path) -> None:
    assert read(built(GOOD[name]), tmp_path)["a/data.pkl"] == b"hello"


BAD = {
    "a name twice": (Zip((Part(), Part(data=b"other"))), "same name"),
    "no 64-bit locator": (Zip(before_end=b"x" * 76), "no entry"),
    "a hole too small": (Zip(before_end=b"x" * 8), "no entry"),
    "a 64-bit record elsewhere": (Zip(before_end=end64(Zip(), record_at=3)), "64-bit end record"),
    "a long 64-bit record": (Zip(before_end=end64(Zip(), length=45)), "64-bit end record"),
    "two parts": (Zip(before_end=end64(Zip(), disk=1)), "several parts"),
    "two counts": (Zip(before_end=end64(Zip(), total=2)), "several parts"),
    "other counts": (Zip(before_end=end64(Zip(), count=2)), "do not agree"),
    "another offset": (Zip(before_end=end64(Zip(), offset=1)), "do not agree"),
    "no 64-bit value": (
        Zip((Part(central_sizes=(5, ALL_ONES), central_extra=b"\x01\x00\x04\x00" + bytes(4)),)),
        "64-bit size is missing",
    ),
    "64-bit values too many": (Zip((Part(central_extra=wide(5)),)), "where none belong"),
    "a 64-bit field twice": (Zip((Part(central_extra=wide() + wide(5) + wide(5)),)), "doubled"),
    "a cut extra field": (Zip((Part(central_extra=b"\x01"),)), "cut off"),
    "an extra field too long": (Zip((Part(central_extra=b"\x01\x00\x09\x00"),)), "cut off"),
    "another name in an extra field": (Zip((Part(central_extra=wide(5, kind=0x7075)),)), "unknown"),
    "bytes before the directory": (Zip(before_directory=b"x"), "no entry"),
    "a gap": (Zip((Part(), Part(b"a/x", central_offset=46))), "gaps"),
    "an overlap": (Zip((Part(), Part(b"a/x", central_offset=0))), "gaps"),
    "an early 64-bit size that lies": (
        Zip((replace(LATER, local_extra=wide(6, 5)),)),
        "do not agree",
    ),
    "a local size that lies": (Zip((Part(local_sizes=(CRC, 4, 4)),)), "do not agree"),
    "a local checksum that lies": (Zip((Part(local_sizes=(1, 5, 5)),)), "do not agree"),
    "another local name": (Zip((Part(local_name=b"a/DATA.pkl"),)), "do not agree"),
    "a descriptor that lies": (Zip((replace(LATER, descriptor=SHORT[:-1] + b"\x01"),)), "followed"),
    "no descriptor": (Zip((replace(LATER, descriptor=b""),)), "followed"),
    "sizes left out without a descriptor": (Zip((Part(local_sizes=(0, 0, 0)),)), "do not agree"),
    "a name that is no UTF-8": (Zip((Part(name=b"a/\xff"), Part())), "UTF-8"),
    "encrypted": (Zip((Part(flags=1),)), "encrypted"),
    "compressed": (Zip((Part(central_sizes=(4, 5)),)), "compressed"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_readers_could_disagree_about_is_refused(name: str, tmp_path: Path) -> None:
    archive, says = BAD[name]
    with pytest.raises(InvalidCheckpoint, match=says):
        read(built(archive), tmp_path)


def test_an_end_record_that_points_before_the_file_is_refused(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 5, 9, 0)
    with pytest.raises(InvalidCheckpoint, match="no entry"):
        read(end, tmp_path)


def test_a_damaged_entry_is_noticed(tmp_path: Path) -> None:
    data = built(Zip()).replace(b"hello", b"hallo")
    with pytest.raises(InvalidCheckpoint, match="checksum"):
        read(data, tmp_path)
