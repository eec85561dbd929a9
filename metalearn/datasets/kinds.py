"""Unsupported files that people take for pictures, as in static/js/device/kinds.js."""

import struct
from typing import NamedTuple

from metalearn.datasets.orientation import BYTE_ORDERS, tiff_entries


class Foreign(NamedTuple):
    """The kind of a file, and what its owner can do."""

    what: str
    advice: str


FOREIGN = {
    "HEIC": Foreign(
        "an HEIC picture",
        "export it as JPEG; an iPhone takes JPEG pictures when Settings > Camera > Formats says "
        "“Most Compatible”",
    ),
    "SVG": Foreign("an SVG drawing", "export it as PNG"),
    "JXL": Foreign("a JPEG XL picture", "export it as PNG or JPEG"),
    "RAW": Foreign("a camera's raw file", "export it as JPEG or PNG"),
    "PDF": Foreign("a PDF document", "export its pages as PNG"),
    "VIDEO": Foreign("a video", "save single frames of it as PNG or JPEG"),
}

_BEGINNINGS = {
    b"%PDF-": "PDF",
    b"\xff\x0a": "JXL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JXL",
    b"FUJIFILMCCD-RAW": "RAW",
    b"IIRO": "RAW",
    b"IIRS": "RAW",
    b"MMOR": "RAW",
    b"IIU\0": "RAW",
    b"FOVb": "RAW",
    b"\x1aE\xdf\xa3": "VIDEO",
    b"\0\0\x01\xba": "VIDEO",
    b"\0\0\x01\xb3": "VIDEO",
    b"FLV\x01": "VIDEO",
    b"OggS": "VIDEO",
    b"0&\xb2u\x8ef\xcf\x11": "VIDEO",
}
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
}
_MAX_BRANDS_BYTES = 256
_SVG_HEAD_BYTES = 4096
_SVG_BEGINNINGS = (b"<svg", b"<?xml", b"<!--", b"<!doctype svg")
_SUBFILE, _PHOTOMETRIC, _SUB_IFDS, _DNG = 254, 262, 330, 50706
_REDUCED, _OF_SENSORS = 1, {32803, 34892}


def foreign_kind(data: bytes) -> Foreign | None:
    """Return the kind of an unsupported picture-like file, else None."""
    return FOREIGN.get(_kind(data))


def _kind(data: bytes) -> str:
    for beginning, kind in _BEGINNINGS.items():
        if data.startswith(beginning):
            return kind
    if data[4:8] == b"ftyp":
        return _by_brands(data)
    if data.startswith(b"RIFF") and data[8:12] == b"AVI ":
        return "VIDEO"
    if data[:4] in BYTE_ORDERS:
        return "RAW" if _is_raw(data) else ""
    return "SVG" if _is_svg(data) else ""


def _by_brands(data: bytes) -> str:
    """Return the kind of a file with ISO 14496-12 boxes."""
    end = min(int.from_bytes(data[:4]), _MAX_BRANDS_BYTES)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return ""
    if brands & _HEIC_BRANDS:
        return "HEIC"
    return "RAW" if b"crx " in brands else "VIDEO"


def _is_svg(data: bytes) -> bool:
    head = data[:_SVG_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return head.startswith(_SVG_BEGINNINGS) and b"<svg" in head


def _is_raw(data: bytes) -> bool:
    """Return whether a TIFF holds raw sensor data, next to a small picture or in place of one."""
    tags = _tags(data)
    beside = tags.get(_SUBFILE) == _REDUCED and _SUB_IFDS in tags
    of_sensor = tags.get(_PHOTOMETRIC) in _OF_SENSORS
    return data[8:10] == b"CR" or _DNG in tags or beside or of_sensor


def _tags(data: bytes) -> dict[int, int]:
    """Return the numbers in a TIFF's first directory, as far as it is complete."""
    tags: dict[int, int] = {}
    try:
        for entry, order in tiff_entries(data):
            tag, kind = struct.unpack_from(f"{order}HH", data, entry)
            (tags[tag],) = struct.unpack_from(
                f"{order}{'H' if kind == 3 else 'I'}", data, entry + 8
            )
    except struct.error:
        pass
    return tags
