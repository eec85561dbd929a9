"""Frame sizes inside an AVIF, whose header may declare less than a decoder must allocate.

Boxes are those of ISO 14496-12 and 23008-12, the sequence header that of AV1, section 5.5.
"""

import struct
from collections.abc import Iterator

_SEQUENCE_HEADER = 1
_MAX_ITEMS = 100_000
_MOST_TIMES = 4


def largest_frame(data: bytes) -> int:
    """Return the pixels of the largest frame or grid of frames; raise ValueError if damaged."""
    try:
        meta = next(content for name, content in _boxes(data) if name == b"meta")
        inside = dict(_boxes(meta[4:]))
        kinds = _kinds(inside[b"iinf"])
        left = _MOST_TIMES * len(data)
        sizes = [0]
        for item, in_idat, extents in _places(inside[b"iloc"]):
            left -= sum(n or len(data) for _, n in extents)
            if left < 0:
                raise IndexError  # overlapping items, made only to cause work
            source = inside.get(b"idat", b"") if in_idat else data
            content = b"".join(source[at : at + n] if n else source[at:] for at, n in extents)
            if kinds.get(item) == b"av01":
                sizes += [_frame(header) for header in _sequence_headers(content)]
            elif kinds.get(item) == b"grid":
                sizes.append(_grid(content))
        return max(sizes)
    except (StopIteration, KeyError, struct.error, IndexError) as error:
        raise ValueError("an AVIF whose boxes do not fit together") from error


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        end = at + size if size else len(data)
        yield name, data[at + head : end]
        at = max(end, at + head)


def _kinds(iinf: bytes) -> dict[int, bytes]:
    kinds = {}
    for name, entry in _boxes(iinf[4 + (4 if iinf[0] else 2) :]):
        if name == b"infe" and entry[0] >= 2:
            form = ">IH4s" if entry[0] > 2 else ">HH4s"
            item, _, kind = struct.unpack_from(form, entry, 4)
            kinds[item] = kind
    return kinds


def _places(iloc: bytes) -> Iterator[tuple[int, bool, list[tuple[int, int]]]]:
    """Yield each item's number, whether it is in `idat`, and its (offset, length) pairs."""
    version = iloc[0]
    offset, length, base, index = iloc[4] >> 4, iloc[4] & 15, iloc[5] >> 4, iloc[5] & 15
    fields = _Fields(iloc, 6)
    count = fields.number(4 if version == 2 else 2)
    for _ in range(min(count, _MAX_ITEMS)):
        item = fields.number(4 if version == 2 else 2)
        method = fields.number(2) & 15 if version else 0
        fields.number(2)
        begin = fields.number(base)
        extents = []
        for _ in range(fields.number(2)):
            fields.number(index if version else 0)
            extents.append((begin + fields.number(offset), fields.number(length)))
        yield item, method == 1, extents


class _Fields:
    """Reader of consecutive integers."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def number(self, size: int) -> int:
        """Read `size` bytes; raise IndexError past the end."""
        self._at += size
        if self._at > len(self._data):
            raise IndexError
        return int.from_bytes(self._data[self._at - size : self._at])


def _grid(content: bytes) -> int:
    width, height = struct.unpack_from(">II" if content[1] & 1 else ">HH", content, 4)
    return int(width * height)


def _sequence_headers(content: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(content):
        head = content[at]
        at += 2 if head & 4 else 1
        size, shift = 0, 0
        if not head & 2:
            size = len(content) - at
        while head & 2:
            byte = content[at]
            size |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128 or shift > 56:
                break
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield content[at : at + size]
        at += size


class _Bits:
    """Reader of a header's bits, highest first."""

    def __init__(self, data: bytes) -> None:
        self._bits = int.from_bytes(data[:256])
        self._left = 8 * len(data[:256])

    def number(self, width: int) -> int:
        """Read `width` bits; raise IndexError past the end."""
        self._left -= width
        if self._left < 0:
            raise IndexError
        return self._bits >> self._left & ((1 << width) - 1)


def _frame(header: bytes) -> int:
    bits = _Bits(header)
    bits.number(4)  # profile, still picture
    if bits.number(1):
        bits.number(5)  # reduced: the level alone
    else:
        _pass_over_operating_points(bits)
    width_bits, height_bits = bits.number(4) + 1, bits.number(4) + 1
    return (bits.number(width_bits) + 1) * (bits.number(height_bits) + 1)


def _pass_over_operating_points(bits: _Bits) -> None:
    delay_bits = _pass_over_timing(bits) if bits.number(1) else 0
    has_display_delay = bits.number(1)
    for _ in range(bits.number(5) + 1):
        bits.number(12)
        if bits.number(5) > 7:
            bits.number(1)
        if delay_bits and bits.number(1):
            bits.number(2 * delay_bits + 1)
        if has_display_delay and bits.number(1):
            bits.number(4)


def _pass_over_timing(bits: _Bits) -> int:
    """Return the number of bits of a buffer's delay, or 0 without a decoder model."""
    bits.number(64)
    if bits.number(1):  # equal intervals: uvlc, with as many bits as leading zeros
        zeros = 0
        while not bits.number(1):
            zeros += 1
        bits.number(zeros)
    if not bits.number(1):
        return 0
    delay_bits = bits.number(5) + 1
    bits.number(42)
    return delay_bits
