"""Beginnings of files that people take for pictures and nothing of ours reads, and of others."""

import io
import struct

from PIL import Image

from tests.tiffs import as_tiff


def boxes(*brands: bytes) -> bytes:
    size = 16 + 4 * (len(brands) - 1)
    return (
        struct.pack(">I", size) + b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:]) + bytes(40)
    )


def foreign_files() -> dict[str, list[bytes]]:
    """By what a file is called where it is refused."""
    grey = Image.new("L", (4, 4))
    return {
        "an HEIC picture": [
            boxes(b"heic", b"mif1", b"heic"),
            boxes(b"mif1", b"heic"),
            boxes(b"mif1"),
            boxes(b"msf1", b"hevc"),
        ],
        "an SVG drawing": [
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            b"\xef\xbb\xbf <?xml version='1.0'?>\n<!-- a --><SVG></SVG>",
            b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'><svg></svg>",
        ],
        "a JPEG XL picture": [b"\xff\x0a" + bytes(30), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30)],
        "a camera's raw file": [
            b"II*\0\x10\0\0\0CR\x02\0" + bytes(30),
            boxes(b"crx ", b"isom"),
            as_tiff(grey, t50706=1),
            as_tiff(grey, t254=1, t330=8),
            as_tiff(grey, t262=32803),
            b"FUJIFILMCCD-RAW 0201" + bytes(30),
            b"IIU\0" + bytes(30),
        ],
        "a PDF document": [b"%PDF-1.7\n" + bytes(30)],
        "a video": [
            boxes(b"isom", b"mp42"),
            boxes(b"qt  "),
            b"\x1aE\xdf\xa3" + bytes(30),
            b"RIFF\0\0\0\0AVI LIST" + bytes(30),
        ],
    }


def other_files() -> list[bytes]:
    """No pictures that anybody would name."""
    return [
        b"",
        b"II*\0",
        b"MM\0*\xff\xff\xff\xff",
        b"BM",
        b"notes",
        b"<html><svg></svg></html>",
        b"<?xml version='1.0'?><a/>",
        b"RIFF\0\0\0\0WAVE",
        bytes(4) + b"ftyp",
    ]


def readable_files() -> dict[str, bytes]:
    """One small picture in each format that is read, by the name of the format."""
    image = Image.effect_noise((40, 30), 60).convert("RGB")
    result = {}
    for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        buffer = io.BytesIO()
        image.save(buffer, kind)
        result[kind] = buffer.getvalue()
    return result
