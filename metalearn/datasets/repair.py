"""Repair of files whose pixels are all there, by the rules of static/js/device/repair.js."""

import hashlib
import io
import zlib
from collections.abc import Iterator

from PIL import Image

from metalearn.datasets.orientation import PNG, jpeg_segments

_END = b"\xff\xd9"
_NOISE = bytes((182 + 13 * n + 7 * n * n) % 251 for n in range(512))
_TAILS = (bytes(64) + _END, b"".join(_NOISE + bytes([0xFF, 0xD0 + n]) for n in range(8)) + _END)
"""Endings that give different pixels if a decoder still waits for data, even between restarts.

They hold more noise than any blocks outside the picture need, and no meaningful byte.
"""
_BAND_ROWS = 256
_FRAMES = {0xC0, 0xC1, 0xC2}
_SCAN = 0xDA
_COEFFICIENTS = 64


def repaired(data: bytes, max_pixels: int) -> bytes | None:
    """Return a file that a strict decoder reads, or None if pixels are missing or nothing helps.

    A JPEG gets its end marker. A PNG loses texts and ancillary chunks with wrong checksums.
    """
    if data.startswith(b"\xff\xd8"):
        return _with_end(data.rstrip(b"\xff"), max_pixels)
    return _without_remarks(data) if data.startswith(PNG) else None


def _with_end(data: bytes, max_pixels: int) -> bytes | None:
    """Append the end marker if two different endings give the same pixels."""
    if not _has_every_scan(data):
        return None
    one, other = (_digest(data + tail, max_pixels) for tail in _TAILS)
    return data + _END if one == other else None


def _digest(data: bytes, max_pixels: int) -> bytes:
    """Hash all pixels in bands: keeping two large pictures would need too much memory."""
    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        if image.width * image.height > max_pixels:
            raise OSError("more pixels than are decoded")
        digest = hashlib.sha256()
        for top in range(0, image.height, _BAND_ROWS):
            box = (0, top, image.width, min(top + _BAND_ROWS, image.height))
            digest.update(image.crop(box).tobytes())
    return digest.digest()


def _has_every_scan(data: bytes) -> bool:
    """Return whether each coefficient of each component is complete."""
    left: set[tuple[int, int]] | None = None
    for marker, content in jpeg_segments(data):
        if marker in _FRAMES:
            names = content[6::3][: content[5] if len(content) > 5 else 0]
            left = {(name, k) for name in names for k in range(_COEFFICIENTS)}
        elif marker == _SCAN and left is not None:
            left -= _finished(content)
    return left is not None and not left


def _finished(scan: bytes) -> set[tuple[int, int]]:
    n = scan[0] if scan else 0
    last = scan[1 + 2 * n : 4 + 2 * n]
    if len(last) < 3 or last[2] & 15:
        return set()
    return {(name, k) for name in scan[1 : 1 + 2 * n : 2] for k in range(last[0], last[1] + 1)}


def _without_remarks(data: bytes) -> bytes:
    return PNG + b"".join(_chunks_to_keep(data))


def _chunks_to_keep(data: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at < len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        name, check = data[at + 4 : at + 8], data[end - 4 : end]
        needed = name[:1].isupper()
        right = zlib.crc32(data[at + 4 : end - 4]) == int.from_bytes(check)
        if needed or (right and not name.endswith(b"Xt")):
            yield data[at:end]
        at = end
