"""Zip archives that lie in ways `zipfile` would not write: made header by header."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.metalearn.checkpoint.builders import state_dict, zip_of, zipped
from tests.metalearn.checkpoint.case import Hostile

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
MAX32 = 0xFFFFFFFF


@dataclass(frozen=True)
class Part:
    """An entry; what is None is as it should be."""

    name: bytes
    data: bytes = b""
    flags: int = 0
    method: int = 0
    crc: int | None = None
    extra: bytes = b""
    central_extra: bytes = b""
    central_size: int | None = None
    local_sizes: tuple[int, int, int] | None = None
    offset: int | None = None
    behind: bytes = b""
    lengths: tuple[int, int] | None = None


@dataclass(frozen=True)
class End:
    """The end record; what is None is as it should be."""

    count: int | None = None
    size: int | None = None
    offset: int | None = None
    between: bytes = field(default=b"")


def archive(*parts: Part, end: End | None = None) -> bytes:
    """The archive of these parts, honest where they say nothing else."""
    body, directory = b"", b""
    for part in parts:
        crc = zlib.crc32(part.data) if part.crc is None else part.crc
        at = len(body) if part.offset is None else part.offset
        sizes = (crc, len(part.data), len(part.data))
        name_length, extra_length = part.lengths or (len(part.name), len(part.extra))
        body += struct.pack("<4s5H", LOCAL, 20, part.flags, part.method, 0, 0)
        body += struct.pack("<3L2H", *(part.local_sizes or sizes), name_length, extra_length)
        body += part.name + part.extra + part.data + part.behind
        size = len(part.data) if part.central_size is None else part.central_size
        directory += struct.pack("<4s6H", CENTRAL, 20, 20, part.flags, part.method, 0, 0)
        directory += struct.pack("<3L3H", crc, size, size, len(part.name), *_extras(part))
        directory += struct.pack("<2H2L", 0, 0, 0, at) + part.name + part.central_extra
    end = end or End()
    count = len(parts) if end.count is None else end.count
    size = len(directory) if end.size is None else end.size
    offset = len(body) if end.offset is None else end.offset
    tail = struct.pack("<4s4H2LH", END, 0, 0, count, count, size, offset, 0)
    return body + directory + end.between + tail


def _extras(part: Part) -> tuple[int, int]:
    return len(part.central_extra), 0


PICKLE = Part(b"archive/data.pkl", state_dict())
BYTES = Part(b"archive/data/0", bytes(16))


def zip64(*numbers: int) -> bytes:
    """The extra field for numbers that do not fit 32 bits."""
    return struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def hostile_zips() -> Iterator[Hostile]:
    group = "zip tricks"
    for label, part, says in _entries():
        yield Hostile(group, label, archive(PICKLE, part), says)
    yield Hostile(
        group, "two entries over the same bytes", archive(PICKLE, BYTES, replace(BYTES, offset=0))
    )
    inner = archive(BYTES)
    yield Hostile(
        group,
        "an entry inside another one's bytes",
        archive(
            replace(PICKLE, data=PICKLE.data + inner),
            replace(BYTES, offset=len(PICKLE.name) + 30 + len(PICKLE.data)),
        ),
    )
    yield Hostile(group, "the pickle twice", archive(PICKLE, BYTES, PICKLE), "same name")
    lost = archive(PICKLE, BYTES, end=End(count=0xFFFF))
    yield Hostile(group, "65,535 entries without a 64-bit record", lost)
    yield Hostile(group, "4 GB of directory", archive(PICKLE, BYTES, end=End(size=MAX32)))
    yield Hostile(
        group, "a directory behind the file's end", archive(PICKLE, BYTES, end=End(offset=MAX32))
    )
    yield from _records()
    yield from _members()


def _entries() -> Iterator[tuple[str, Part, str]]:
    descriptor = struct.pack("<4s3L", b"PK\x07\x08", 1, 16, 16)
    empty = (0, 0, 0)
    yield "a name with a zero byte", replace(BYTES, name=b"archive/data/0\0.py"), "unprintable"
    yield "a name that goes up", replace(BYTES, name=b"archive/data/../0"), "plain path"
    yield "a name with two slashes", replace(BYTES, name=b"archive//data/0"), "plain path"
    yield "a name that is not UTF-8", replace(BYTES, name=b"archive/data/\xff"), "UTF-8"
    yield "a name that runs backwards", replace(BYTES, name="archive/data/‮0".encode()), ""
    yield "a name of nothing", replace(BYTES, name=b""), ""
    yield "a descriptor that is not there", replace(BYTES, flags=8, local_sizes=empty), "checksum"
    yield (
        "a descriptor with another checksum",
        replace(BYTES, flags=8, local_sizes=empty, behind=descriptor),
        "checksum",
    )
    yield "a descriptor without its flag", replace(BYTES, behind=descriptor), "no entry"
    yield "encryption", replace(BYTES, flags=1), "encrypted"
    yield "strong encryption", replace(BYTES, flags=0x41), "encrypted"
    yield "masked headers", replace(BYTES, flags=0x2000), "flags"
    yield "patched data", replace(BYTES, flags=0x20), "flags"
    yield "an unknown method", replace(BYTES, method=99), "compressed"
    yield "a checksum of zero", replace(BYTES, crc=0), "checksum"
    yield (
        "a size of 64 bits that lies",
        replace(BYTES, central_size=MAX32, central_extra=zip64(2**62, 2**62)),
        "",
    )
    yield "a size of 64 bits without need", replace(BYTES, central_extra=zip64(16)), "64-bit"
    yield (
        "half a size of 64 bits",
        replace(BYTES, central_size=MAX32, central_extra=struct.pack("<2HL", 1, 4, 16)),
        "",
    )
    yield (
        "two fields of 64 bits",
        replace(BYTES, central_size=MAX32, central_extra=zip64(16, 16) * 2),
        "doubled",
    )
    yield "a 64-bit field in the local header alone", replace(BYTES, extra=zip64(9, 9)), "64-bit"
    yield (
        "another name in an extra field",
        replace(BYTES, central_extra=struct.pack("<2H", 0x7075, 5) + b"\x01abcd"),
        "extra field",
    )
    yield "an extra field that is cut off", replace(BYTES, central_extra=b"\x55\x54\xff"), "cut off"
    yield (
        "an extra field longer than the header",
        replace(BYTES, central_extra=struct.pack("<2H", 0x5455, 500)),
        "cut off",
    )
    yield "a local name of 65,535 letters", replace(BYTES, lengths=(0xFFFF, 0)), ""
    yield "a local extra field of 65,535 bytes", replace(BYTES, lengths=(14, 0xFFFF)), ""


def _records() -> Iterator[Hostile]:
    """64-bit end records that lie."""
    group = "zip tricks"
    honest = archive(PICKLE, BYTES)
    start = honest.index(CENTRAL)
    size = len(honest) - 22 - start
    lies = {
        "a 64-bit record with a directory far away": (2**63, size, 2, 0, 1),
        "a 64-bit record with an immense directory": (start, 2**63, 2, 0, 1),
        "a 64-bit record of many entries": (start, size, 2**40, 0, 1),
        "a 64-bit record on two disks": (start, size, 2, 0, 2),
        "a 64-bit record on another disk": (start, size, 2, 7, 1),
    }
    for label, (offset, length, count, disk, disks) in lies.items():
        record = struct.pack(
            "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, disk, 0, count, count, length, offset
        )
        record += struct.pack("<4sLQL", b"PK\x06\x07", 0, len(honest) - 22, disks)
        end = End(count=0xFFFF, size=MAX32, offset=MAX32, between=record)
        yield Hostile(group, label, archive(PICKLE, BYTES, end=end))


def _members() -> Iterator[Hostile]:
    group = "zip tricks"
    for name, label in (
        ("archive/data/٣", "an Arabic digit"),
        ("archive/data/²", "a raised digit"),
        ("archive/data/0x1", "a number in base 16"),
        ("archive/data/-1", "a negative number"),
        ("archive/data/0/1", "a folder of bytes"),
        ("Archive/data/0", "a folder in capitals"),
        ("archive/DATA.PKL", "a pickle in capitals"),
        ("archive/.data/evil", "an unknown small member"),
    ):
        files = {"archive/data.pkl": state_dict(), name: bytes(16)}
        yield Hostile(group, f"a member named by {label}", zip_of(files))
    for order in (b"", b"LITTLE", b"little\n", b"middle"):
        data = zipped(state_dict(), members={"byteorder": order})
        yield Hostile(group, f"a byte order of {order!r}", data, "byte order")
    good = zipped(state_dict())
    yield Hostile(group, "a picture in front", b"GIF89a" + bytes(20) + good)
    yield Hostile(group, "a program in front", b"MZ" + bytes(510) + good, "a program")
    yield Hostile(group, "the end record in a comment", good[:-2] + b"\x16\x00" + good[-22:])
    yield Hostile(group, "another archive's end", good + good[-22:])
