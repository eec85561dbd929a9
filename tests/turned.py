"""Picture files that say in every way that they are turned, and some that seem to."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
ORIENTATION, SHORT, LONG = 0x0112, 3, 4


def tiff(value: int, *, kind: int = SHORT, count: int = 1, order: str = "<") -> bytes:
    """An EXIF block with two tags, the second of which is the orientation."""
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    camera = struct.pack(f"{order}HHI4s", 0x010F, 2, 4, b"cam\0")
    form = "I" if kind == LONG else "Hxx"
    turned = struct.pack(f"{order}HHI{form}", ORIENTATION, kind, count, value)
    return head + struct.pack(f"{order}H", 2) + camera + turned + bytes(4)


def plain(kind: str, **options: object) -> bytes:
    """A small picture that says nothing about itself."""
    rng = np.random.default_rng(3)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (20, 31, 3), dtype=np.uint8)).save(buffer, kind, **options)
    return buffer.getvalue()


def segment(content: bytes, marker: int = 0xE1) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(*segments: bytes, picture: bytes | None = None) -> bytes:
    whole = picture or plain("JPEG")
    return whole[:2] + b"".join(segments) + whole[2:]


def exif(block: bytes) -> bytes:
    return segment(b"Exif\0\0" + block)


def chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def png(*before: bytes, after: tuple[bytes, ...] = (), picture: bytes | None = None) -> bytes:
    """Chunks right after the header, and right before the end."""
    whole = picture or plain("PNG")
    return whole[:33] + b"".join(before) + whole[33:-12] + b"".join(after) + whole[-12:]


def webp(*chunks: tuple[bytes, bytes], flags: int = 0x08, picture: bytes | None = None) -> bytes:
    """A simple WebP made an extended one, with chunks at its end."""
    whole = picture or plain("WEBP", lossless=True)
    with Image.open(io.BytesIO(whole)) as image:
        width, height = (side - 1 for side in image.size)
    sizes = width.to_bytes(3, "little") + height.to_bytes(3, "little")
    parts = [(b"VP8X", bytes([flags, 0, 0, 0]) + sizes)]
    body = b"WEBP" + b"".join(riff(*part) for part in parts) + whole[12:]
    body += b"".join(riff(*part) for part in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def turned_files() -> dict[str, bytes]:
    """By what is special about them."""
    all_turns = range(2, 9)
    return {
        **{f"jpeg {n}": jpeg(exif(tiff(n, order=">"))) for n in all_turns},
        **{f"png {n}": png(chunk(b"eXIf", tiff(n))) for n in all_turns},
        **{f"webp {n}": webp((b"EXIF", tiff(n))) for n in all_turns},
        "fill bytes": jpeg(b"\xff\xff\xff", exif(tiff(6))),
        "stray bytes": jpeg(b"\xff\x00ab", exif(tiff(6))),
        "a second block": jpeg(exif(tiff(6)), exif(tiff(3))),
        "a first block without it": jpeg(exif(tiff(1)), exif(tiff(3))),
        "xmp before exif": jpeg(segment(b"http://ns.adobe.com/xap/1.0/\0" + XMP), exif(tiff(8))),
        "a name twice": jpeg(exif(b"Exif\0\0" + tiff(6))),
        "no tiff": jpeg(exif(b"II+\0" + tiff(6)[4:])),
        "a long": jpeg(exif(tiff(6, kind=LONG))),
        "two shorts": jpeg(exif(tiff(6, count=2))),
        "nine": jpeg(exif(tiff(9))),
        "xmp jpeg": jpeg(segment(b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
        "png after pixels": png(after=(chunk(b"eXIf", tiff(6)),)),
        "png twice": png(chunk(b"eXIf", tiff(6)), after=(chunk(b"eXIf", tiff(3)),)),
        "png with a name": png(chunk(b"eXIf", b"Exif\0\0" + tiff(6))),
        "xmp png": png(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        "text png": png(chunk(b"tEXt", b"exif\0" + tiff(6))),
        "webp with a name": webp((b"EXIF", b"Exif\0\0" + tiff(6))),
        "webp without a flag": webp((b"EXIF", tiff(6)), flags=0),
        "webp twice": webp((b"EXIF", tiff(6)), (b"EXIF", tiff(3))),
        "xmp webp": webp((b"XMP ", XMP), flags=0x04),
    }
