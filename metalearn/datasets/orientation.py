"""Orientation of picture files, read by the rules of static/js/device/orientation.js.

Pillow would also read XMP, split EXIF segments and PNG texts, which no browser does.
"""

import re
import struct
from collections.abc import Iterator

PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""A JPEG marker with a length, after fill bytes and stray ones."""
_APP1, _START_OF_SCAN, _END_OF_IMAGE = 0xE1, 0xDA, 0xD9
_HAS_EXIF = 0x08
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION, _SHORT = 0x0112, 3


def read_orientation(data: bytes) -> int:
    """Return the orientation of a JPEG, PNG, WebP or TIFF file, 1 to 8; by default 1.

    The first EXIF block counts, and in it the first tag that is one SHORT, as in the standard (CIPA
    DC-008, 4.6.5.1). A whole TIFF file is such a block.
    """
    if data.startswith(b"\xff\xd8"):
        blocks = _in_jpeg(data)
    elif data.startswith(PNG):
        blocks = _in_png(data)
    elif data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X":
        blocks = _in_webp(data)
    elif data[:4] in BYTE_ORDERS:
        blocks = iter((data,))
    else:
        return 1
    exif = next(blocks, b"").removeprefix(_EXIF).removeprefix(_EXIF)
    try:
        value = _in_tiff(exif)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield a JPEG's markers that have content, with it, up to the end of the picture."""
    at = 2
    while found := _MARKER.search(data, at):
        at = found.end()
        marker = found[1][0]
        if marker == _END_OF_IMAGE:
            return
        end = at + max(2, int.from_bytes(data[at : at + 2]))
        yield marker, data[at + 2 : end]
        at = end


def _in_jpeg(data: bytes) -> Iterator[bytes]:
    for marker, content in jpeg_segments(data):
        if marker == _START_OF_SCAN:
            return
        if marker == _APP1 and content.startswith(_EXIF):
            yield content


def _in_png(data: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if data[at + 4 : at + 8] == b"eXIf":
            yield data[at + 8 : end]
        at = end + 4


def _in_webp(data: bytes) -> Iterator[bytes]:
    if len(data) < 21 or not data[20] & _HAS_EXIF:
        return
    last = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    at = 12
    while at + 8 <= last:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"EXIF":
            yield data[at + 8 : min(at + 8 + size, last)]
        at += 8 + size + size % 2


def lying_tiff(data: bytes) -> bytes:
    """Return the TIFF without its orientation, which Pillow would apply by different rules."""
    result = bytearray(data)
    try:
        for entry, order in tiff_entries(data):
            if data[entry : entry + 2] == struct.pack(f"{order}H", _ORIENTATION):
                struct.pack_into(f"{order}HIHH", result, entry + 2, _SHORT, 1, 1, 0)
    except struct.error:
        pass
    return bytes(result)


def _in_tiff(block: bytes) -> int:
    """Read the orientation; raise struct.error if the block is cut off."""
    for entry, order in tiff_entries(block):
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", block, entry)
        if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
            return int(value)
    return 1


def tiff_entries(block: bytes) -> Iterator[tuple[int, str]]:
    """Yield the offset of each entry in the first directory, with the byte order."""
    order = BYTE_ORDERS.get(block[:4])
    if order is None:
        return
    (at,) = struct.unpack_from(f"{order}I", block, 4)
    (entries,) = struct.unpack_from(f"{order}H", block, at)
    yield from ((entry, order) for entry in range(at + 2, at + 2 + 12 * entries, 12))
