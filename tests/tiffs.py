"""TIFF pictures of all kinds that our reader for browsers knows, and of some that it does not."""

import io
import struct

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

SHORT, LONG = 3, 4
COMPRESSIONS = {
    "plain": None,
    "packbits": "packbits",
    "lzw": "tiff_lzw",
    "deflate": "tiff_adobe_deflate",
    "old deflate": "tiff_deflate",
}


def as_tiff(image: Image.Image, compression: str | None = None, **tags: int | bytes) -> bytes:
    """As Pillow writes it; tags by their numbers as t258."""
    info = {int(name.removeprefix("t")): value for name, value in tags.items()}
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", compression=compression, tiffinfo=info)
    return buffer.getvalue()


def written(
    samples: np.ndarray,
    *,
    order: str = "<",
    photometric: int = 1,
    rows: int | None = None,
    tags: dict[int, list[int]] | None = None,
) -> bytes:
    """Plain strips of an array (height, width[, samples]) of uint8 or uint16."""
    height, width = samples.shape[:2]
    each = samples.shape[2] if samples.ndim == 3 else 1
    bits = 8 * samples.dtype.itemsize
    rows = rows or height
    strips = [
        samples[top : top + rows].astype(f"{order}u{bits // 8}").tobytes()
        for top in range(0, height, rows)
    ]
    entries = {
        256: [width],
        257: [height],
        258: [bits] * each,
        259: [1],
        262: [photometric],
        277: [each],
        278: [rows],
        279: [len(strip) for strip in strips],
        **(tags or {}),
    }
    at = 8
    offsets = []
    for strip in strips:
        offsets.append(at)
        at += len(strip)
    return _with_directory(b"".join(strips), {**entries, 273: offsets}, order)


def _with_directory(pixels: bytes, entries: dict[int, list[int]], order: str) -> bytes:
    start = 8 + len(pixels)
    behind = start + 2 + 12 * len(entries) + 4
    directory, rest = struct.pack(f"{order}H", len(entries)), b""
    for tag, values in sorted(entries.items()):
        kind = LONG if tag in {273, 279} else SHORT
        form = "I" if kind == LONG else "H"
        content = struct.pack(f"{order}{len(values)}{form}", *values)
        if len(content) > 4:
            place = struct.pack(f"{order}I", behind + len(rest))
            rest += content
        else:
            place = content.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, kind, len(values)) + place
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", start)
    return head + pixels + directory + bytes(4) + rest


def tiff_files(photo: Image.Image) -> dict[str, bytes]:
    """By what is special about them; both readers read all of them."""
    see_through = photo.copy()
    see_through.putalpha(Image.linear_gradient("L").resize(photo.size))
    modes = {
        "colour": photo,
        "grey": photo.convert("L"),
        "palette": photo.quantize(64),
        "black and white": photo.convert("1"),
        "see through": see_through,
        "grey see through": see_through.convert("LA"),
    }
    rgb = np.asarray(photo)
    deep = rgb.astype(np.uint16) * 251
    grey = np.asarray(photo.convert("L"))
    fourth = np.dstack([rgb, np.asarray(see_through)[..., 3]])
    multiplied = np.asarray(see_through.convert("RGBa"))
    return {
        **{
            f"tiff {mode}, {name}": as_tiff(image, compression)
            for mode, image in modes.items()
            for name, compression in COMPRESSIONS.items()
        },
        **{
            f"tiff of differences, {name}": as_tiff(photo, COMPRESSIONS[name], t317=2)
            for name in ("lzw", "deflate")
        },
        "deep tiff of differences": as_tiff(Image.fromarray(deep[..., 0]), "tiff_lzw", t317=2),
        **{f"tiff turned {turn}": as_tiff(photo, "tiff_lzw", t274=turn) for turn in range(2, 9)},
        "tiff of one strip": as_tiff(photo, "tiff_lzw", t278=photo.height),
        "tiff of a strip for each row": as_tiff(photo, "packbits", t278=1),
        "tiff of high bytes first": written(rgb, order=">", photometric=2, rows=7),
        "tiff where white is zero": written(grey, photometric=0),
        "tiff of 16 bits": written(deep[..., 0], rows=50),
        "tiff of 16 bits, high bytes first": written(deep[..., 0], order=">"),
        "colour tiff of 16 bits": written(deep, photometric=2),
        "tiff with a sample to ignore": written(fourth, photometric=2, tags={338: [0]}),
        "tiff with an unnamed sample, see through": written(fourth, photometric=2),
        "tiff of multiplied colours, see through": written(
            multiplied, photometric=2, tags={338: [1]}
        ),
        "tiff of several pages": _pages(photo),
        "tiff turned by an XMP text only": as_tiff(
            photo, t700=b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
        ),
    }


def _pages(photo: Image.Image) -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, "TIFF", save_all=True, append_images=[photo.rotate(180)])
    return buffer.getvalue()


def unusual_tiffs(photo: Image.Image) -> dict[str, bytes]:
    """Those that a page does not read, by what it says that they have."""
    rgb = np.asarray(photo)
    grey = rgb[..., 0]
    return {
        "tiles": written(grey, tags={322: [16], 323: [16]}),
        "a plane for each colour": written(rgb, photometric=2, tags={284: [2]}),
        "its bits in reverse": written(grey, tags={266: [2]}),
        "signed or fractional values": written(grey, tags={339: [2]}),
        "JPEG inside": as_tiff(photo, "jpeg"),
        "compression 4": as_tiff(photo.convert("1"), "group4"),
        "4 x 8 bits of kind 5": as_tiff(photo.convert("CMYK")),
        "1 x 32 bits of kind 1": written(grey, tags={258: [32]}),
        "64-bit offsets": b"II+\0" + bytes(60),
    }


def cut_tiffs(photo: Image.Image) -> list[bytes]:
    """One strip that ends too soon, in files whose directory is whole."""
    found = []
    for compression in ("packbits", "tiff_lzw", "tiff_adobe_deflate"):
        whole = as_tiff(photo, compression, t278=photo.height)
        with TiffImageFile(io.BytesIO(whole)) as image:
            tags = dict(image.tag_v2)
            (at,), (size,) = tags[273], tags[279]
        kept = {tag: tags[tag] for tag in (256, 257, 258, 259, 262, 277, 278)}
        entries = {tag: list(np.atleast_1d(value)) for tag, value in kept.items()}
        for length in range(0, size - 8, 41):
            packed = whole[at : at + length]
            found.append(_with_directory(packed, {**entries, 273: [8], 279: [length]}, "<"))
    return found
