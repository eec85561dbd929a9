"""Strict zip reader for what torch writes.

Every byte must belong to exactly one entry, the central directory or the one end record. Local and
central headers must agree, and entries must be stored uncompressed. So two programs cannot read the
same file differently, and a small file cannot expand into a big one. TorchScript compresses its
code, which is never read.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Any

from metalearn.checkpoint.foreign import Kind, archive_kind
from metalearn.checkpoint.limits import MAX_NAME_LENGTH, MAX_ZIP_ENTRIES
from metalearn.checkpoint.printable import shown
from metalearn.checkpoint.source import Source
from metalearn.errors import InvalidCheckpoint

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_FLAG_DESCRIPTOR, _FLAG_UTF8 = 0x0008, 0x0800
_EXTRA_ZIP64 = 0x0001
# torch's alignment padding, and Info-ZIP's timestamps and owners.
_EXTRA_HARMLESS = frozenset({0x4246, 0x5455, 0x7875})
_MAX_DIRECTORY_BYTES = MAX_ZIP_ENTRIES * 1024
_DEFLATED = 8
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file in the archive; `offset` is where its own bytes begin."""

    name: str
    offset: int
    size: int
    crc: int
    packed: bool = False
    """Whether it is compressed and thus unreadable."""


@dataclass(frozen=True)
class _Header:
    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def name(self) -> str:
        return self.raw_name.decode("utf-8")


@dataclass(frozen=True)
class _Directory:
    offset: int
    size: int
    count: int


def read_zip(source: Source) -> tuple[Kind, dict[str, Entry]]:
    """Return the writer and all entries by name; raise InvalidCheckpoint if it is not torch."""
    directory = _find_directory(source)
    headers = _read_directory(source, directory)
    names = [header.name for header in headers]
    kind = archive_kind(names)
    if len(set(names)) != len(names):
        raise _odd("two entries have the same name")
    for header in headers:
        _check_header(header, kind)
    return kind, _read_entries(source, headers, directory.offset)


def read_entry(source: Source, entry: Entry) -> bytearray:
    """Return the entry's bytes after verifying its checksum."""
    if entry.packed:
        raise _odd(f"“{shown(entry.name)}” is compressed")
    data = source.read(entry.offset, entry.size)
    crc = 0
    view = memoryview(data)
    for start in range(0, entry.size, _CHUNK):
        crc = zlib.crc32(view[start : start + _CHUNK], crc)
    if crc != entry.crc:
        raise InvalidCheckpoint(
            f"The file is damaged: the checksum of “{shown(entry.name)}” is wrong; upload it again."
        )
    return data


def _odd(what: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The zip archive is not one that torch.save writes: {what}; "
        "save the state dict again with torch.save."
    )


def _find_directory(source: Source) -> _Directory:
    end_at = source.size - _END.size
    end = _END.unpack(source.read(end_at, _END.size))
    if end[0] != b"PK\x05\x06" or end[7] != 0:
        raise _odd("its end record is missing, or bytes follow it (it may be cut off)")
    directory = _Directory(offset=end[6], size=end[5], count=end[4])
    if end[1] or end[2] or end[3] != end[4]:
        raise _odd("it has several parts")
    if directory.offset + directory.size != end_at:
        directory = _find_directory64(source, end_at, directory)
    if directory.count > MAX_ZIP_ENTRIES or directory.size > _MAX_DIRECTORY_BYTES:
        raise _odd(f"it has more than {MAX_ZIP_ENTRIES} entries")
    return directory


def _find_directory64(source: Source, end_at: int, small: _Directory) -> _Directory:
    start = end_at - _LOCATOR.size - _END64.size
    if start < 0:
        raise _odd("there are bytes that belong to no entry")
    signature, disk, record_at, disks = _LOCATOR.unpack(
        source.read(end_at - _LOCATOR.size, _LOCATOR.size)
    )
    record = _END64.unpack(source.read(start, _END64.size))
    if signature != b"PK\x06\x07" or record[0] != b"PK\x06\x06":
        raise _odd("there are bytes that belong to no entry")
    if (disk, record_at, disks, record[1]) != (0, start, 1, _END64.size - 12):
        raise _odd("its 64-bit end record is wrong")
    large = _Directory(offset=record[9], size=record[8], count=record[7])
    if record[4] or record[5] or record[6] != record[7]:
        raise _odd("it has several parts")
    agree = (
        small.offset in {large.offset, _MAX32}
        and small.size in {large.size, _MAX32}
        and small.count in {large.count, _MAX16}
    )
    if not agree or large.offset + large.size != start:
        raise _odd("its two end records do not agree")
    return large


def _read_directory(source: Source, directory: _Directory) -> list[_Header]:
    data = bytes(source.read(directory.offset, directory.size))
    headers, at = [], 0
    for _ in range(directory.count):
        if at + _CENTRAL.size > len(data):
            raise _odd("its directory is cut off")
        fields = _CENTRAL.unpack_from(data, at)
        name_length, extra_length, comment_length = fields[10:13]
        name_at = at + _CENTRAL.size
        at = name_at + name_length + extra_length
        if fields[0] != b"PK\x01\x02" or comment_length or fields[13] or at > len(data):
            raise _odd("its directory is damaged or has comments")
        raw_name = data[name_at : name_at + name_length]
        headers.append(_central_header(fields, raw_name, data[name_at + name_length : at]))
    if at != len(data):
        raise _odd("its directory is longer than its entries")
    return headers


def _central_header(fields: tuple[Any, ...], raw_name: bytes, extra: bytes) -> _Header:
    _check_name(raw_name)
    size, packed, offset = _widen(extra, (fields[9], fields[8], fields[16]))
    return _Header(raw_name, fields[3], fields[4], fields[7], packed, size, offset)


def _check_name(raw_name: bytes) -> None:
    try:
        name = raw_name.decode("utf-8")
    except UnicodeDecodeError:
        raise _odd("an entry's name is not UTF-8") from None
    if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise _odd("an entry's name is empty, too long or unprintable")
    if "\\" in name or any(part in {"", ".", ".."} for part in name.split("/")):
        raise _odd(f"“{shown(name)}” is not a plain path")


def _widen(extra: bytes, values: tuple[int, ...]) -> tuple[int, ...]:
    """Replace values of all ones with those in the zip64 field, in the same order."""
    field = _zip64_field(extra)
    result, at = [], 0
    for value in values:
        if value == _MAX32 and field:
            if at + 8 > len(field):
                raise _odd("a 64-bit size is missing")
            value = int.from_bytes(field[at : at + 8], "little")
            at += 8
        result.append(value)
    if at != len(field):
        raise _odd("it has 64-bit sizes where none belong")
    return tuple(result)


def _zip64_field(extra: bytes) -> bytes:
    found, at = b"", 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise _odd("an extra field is cut off")
        kind, length = struct.unpack_from("<2H", extra, at)
        field = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if at > len(extra) or (kind == _EXTRA_ZIP64 and found):
            raise _odd("an extra field is cut off or doubled")
        if kind == _EXTRA_ZIP64:
            found = field
        elif kind not in _EXTRA_HARMLESS:
            raise _odd("an entry has an unknown extra field")
    return found


def _check_header(header: _Header, kind: Kind) -> None:
    if header.flags & ~(_FLAG_DESCRIPTOR | _FLAG_UTF8):
        raise _odd(f"“{shown(header.name)}” is encrypted or has unknown flags")
    code = kind == "script" and header.name.split("/", 1)[-1].startswith("code/")
    if header.method == _DEFLATED and code:
        return
    if header.method != 0 or header.packed != header.size:
        raise _odd(f"“{shown(header.name)}” is compressed")


def _read_entries(source: Source, headers: list[_Header], end: int) -> dict[str, Entry]:
    """Walk the entries in file order; each must begin exactly where the previous one ended."""
    entries, at = {}, 0
    for header in sorted(headers, key=lambda header: header.offset):
        if header.offset != at:
            raise _odd("its entries overlap or leave gaps")
        data_at = _check_local(source, header)
        at = _end_of_entry(source, header, data_at + header.packed)
        packed = header.method != 0
        entries[header.name] = Entry(header.name, data_at, header.size, header.crc, packed)
    if at != end:
        raise _odd("there are bytes that belong to no entry")
    return entries


def _check_local(source: Source, header: _Header) -> int:
    """Compare the local header with the central one; return where the data begins."""
    fields = _LOCAL.unpack(source.read(header.offset, _LOCAL.size))
    name_at = header.offset + _LOCAL.size
    raw_name = bytes(source.read(name_at, fields[9]))
    extra = bytes(source.read(name_at + fields[9], fields[10]))
    if fields[0] != b"PK\x03\x04" or raw_name != header.raw_name:
        raise _odd(f"the two headers of “{shown(header.name)}” do not agree")
    if (fields[2], fields[3]) != (header.flags, header.method):
        raise _odd(f"the two headers of “{shown(header.name)}” do not agree")
    _check_local_sizes(header, crc=fields[6], packed=fields[7], size=fields[8], extra=extra)
    return name_at + len(raw_name) + len(extra)


def _check_local_sizes(header: _Header, *, crc: int, packed: int, size: int, extra: bytes) -> None:
    later = bool(header.flags & _FLAG_DESCRIPTOR)
    if later and not crc and not packed and not size:
        # A descriptor follows the data; sizes in a 64-bit field must still be right.
        field = _zip64_field(extra)
        right = {bytes(8), *(n.to_bytes(8, "little") for n in (header.size, header.packed))}
        if any(field[at : at + 8] not in right for at in range(0, len(field), 8)):
            raise _odd(f"the two headers of “{shown(header.name)}” do not agree")
        return
    size, packed = _widen(extra, (size, packed))
    if (crc, packed, size) != (header.crc, header.packed, header.size):
        raise _odd(f"the two headers of “{shown(header.name)}” do not agree")


def _end_of_entry(source: Source, header: _Header, at: int) -> int:
    """Skip the descriptor after the data, which must repeat checksum and sizes."""
    if not header.flags & _FLAG_DESCRIPTOR:
        return at
    found = bytes(source.read(at, min(24, source.size - at)))
    # Sizes have 32 or 64 bits; a size beyond 32 bits allows only the latter.
    for layout in ("<4sL2L", "<4sL2Q")[int(header.size > _MAX32) :]:
        size = struct.calcsize(layout)
        expected = struct.pack(layout, b"PK\x07\x08", header.crc, header.packed, header.size)
        # The next record begins with "PK", which distinguishes the short layout from the long one.
        if found[:size] == expected and source.read(at + size, 2) == b"PK":
            return at + size
    raise _odd(f"“{shown(header.name)}” is not followed by its checksum")
