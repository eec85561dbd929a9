"""How a picture file says that it is turned, read by the rules of static/js/device/orientation.js.

Pillow would also read XMP, several EXIF segments as one, and texts of PNG files. No browser does
all of that, and a picture must not be turned in one place and lie in the other.
"""

import re
import struct
from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_EXIF = b"Exif\0\0"
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""A JPEG marker that has a length, after bytes that fill and stray ones."""
_APP1, _PIXELS_BEGIN_OR_END = b"\xe1", (b"\xda", b"\xd9")
_HAS_EXIF = 0x08
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION, _SHORT = 0x0112, 3


def read_orientation(data: bytes) -> int:
    """The EXIF orientation of a JPEG, PNG or WebP file, 1 to 8; 1 where it says none or nonsense.

    The first EXIF block of a file counts, and in it the first tag that is one SHORT, as the
    standard has it (CIPA DC-008, 4.6.5.1).
    """
    if data.startswith(b"\xff\xd8"):
        blocks = _in_jpeg(data)
    elif data.startswith(_PNG):
        blocks = _in_png(data)
    elif data.startswith(b"RIFF") and data[8:16] == b"WEBPVP8X":
        blocks = _in_webp(data)
    else:
        return 1
    exif = next(blocks, b"").removeprefix(_EXIF).removeprefix(_EXIF)
    try:
        value = _in_tiff(exif)
    except struct.error:
        return 1
    return value if 1 <= value <= 8 else 1


def _in_jpeg(data: bytes) -> Iterator[bytes]:
    at = 2
    while found := _MARKER.search(data, at):
        at = found.end()
        if found[1] in _PIXELS_BEGIN_OR_END:
            return
        end = at + max(2, int.from_bytes(data[at : at + 2]))
        if found[1] == _APP1 and data.startswith(_EXIF, at + 2, end):
            yield data[at + 2 : end]
        at = end


def _in_png(data: bytes) -> Iterator[bytes]:
    at = len(_PNG)
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


def _in_tiff(block: bytes) -> int:
    """Raises struct.error where the block ends too soon."""
    order = _BYTE_ORDERS.get(block[:4])
    if order is None:
        return 1
    (at,) = struct.unpack_from(f"{order}I", block, 4)
    (entries,) = struct.unpack_from(f"{order}H", block, at)
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", block, entry)
        if (tag, kind, count) == (_ORIENTATION, _SHORT, 1):
            return int(value)
    return 1
