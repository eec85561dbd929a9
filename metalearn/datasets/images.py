"""Decoding of picture files to square tensors in bounded memory."""

import io
import struct
import zlib

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image, ImageOps
from PIL.GifImagePlugin import GifImageFile
from torch import Tensor

from metalearn.datasets.avif import largest_frame
from metalearn.datasets.kinds import foreign_kind
from metalearn.datasets.orientation import BYTE_ORDERS, lying_tiff, read_orientation
from metalearn.datasets.repair import repaired
from metalearn.errors import InvalidData

Pixels = UInt8[Tensor, "channels height width"]

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
READABLE = "PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF"
MAX_PIXELS = 50_000_000
"""Admits a 40-megapixel photo; decoded as RGBA, this bounds memory at about 200 MB."""

DAMAGED = (
    OSError,  # includes UnidentifiedImageError and truncated files
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    OverflowError,
    EOFError,
    struct.error,
    zlib.error,
    RuntimeError,  # raised by the AVIF decoder for some files
)
"""What Pillow raises for damaged or mislabelled files."""
_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LYING = 5
"""From this value on, EXIF orientations swap rows and columns."""
_BAND_BYTES = 8_000_000


def decode_image(
    data: bytes,
    *,
    channels: int,
    image_size: int,
    whole: bool = False,
    quick: bool = True,
    formats: tuple[str, ...] = FORMATS,
    name: str = "A picture",
) -> Pixels:
    """Decode the centre square of a picture's first frame or page, resized with antialiasing.

    With `whole` nothing is cropped, but the aspect ratio may change. EXIF orientation is applied,
    transparent parts become white, and colours are converted to `channels` (1 or 3). With `quick` a
    large JPEG is decoded at a fraction of its size, which differs slightly from a browser's result.
    Raises InvalidData, starting with `name`, if the bytes are not such a picture or have more than
    MAX_PIXELS pixels.
    """
    if channels not in {1, 3}:
        raise InvalidData(f"Pictures have 1 or 3 channels, not {channels}.")
    if foreign := foreign_kind(data):
        what, advice = foreign
        raise InvalidData(f"{name} is {what}, which Freehold cannot read; {advice}.")
    try:
        square = _decoded(data, formats, image_size, whole=whole, quick=quick)
    except (_TooLarge, Image.DecompressionBombError):
        megapixels = MAX_PIXELS // 1_000_000
        raise InvalidData(
            f"{name} has more than {megapixels} megapixels; make it smaller first."
        ) from None
    except _TooDeep:
        raise InvalidData(
            f"{name} has values of 32 bits; scale them to 8 or 16 bits first."
        ) from None
    except DAMAGED:
        raise InvalidData(f"{name} cannot be read; use a whole {READABLE} file.") from None
    return _to_tensor(square, channels)


class _TooLarge(Exception):
    pass


class _TooDeep(Exception):
    pass


def _decoded(
    data: bytes, formats: tuple[str, ...], size: int, *, whole: bool, quick: bool
) -> Image.Image:
    """Return size × size in mode RGB or L, upright; raise one of DAMAGED if pixels are missing."""
    try:
        return _opened(data, formats, size, whole=whole, quick=quick)
    except DAMAGED:
        better = repaired(data, MAX_PIXELS)
        if better is None:
            raise
        return _opened(better, formats, size, whole=whole, quick=quick)


def _opened(
    data: bytes, formats: tuple[str, ...], size: int, *, whole: bool, quick: bool
) -> Image.Image:
    if data[4:8] == b"ftyp" and largest_frame(data) > MAX_PIXELS:
        raise _TooLarge
    with Image.open(io.BytesIO(_plain(data)), formats=formats) as image:
        if image.width * image.height > MAX_PIXELS:
            raise _TooLarge
        if image.format == "TIFF" and image.mode in {"I", "F"}:
            raise _TooDeep
        if quick:
            # JPEG can be decoded at 1/2, 1/4 or 1/8: less memory, and equally good after resizing.
            image.draft("RGB", (2 * size, 2 * size))
        return _square(_loaded(image), size, read_orientation(data), whole=whole)


def _plain(data: bytes) -> bytes:
    """Remove a TIFF's orientation, and reduce an AVIF sequence to its still picture."""
    if data[:4] in BYTE_ORDERS:
        return lying_tiff(data)
    return data[:8] + b"avif" + data[12:] if data[4:12] == b"ftypavis" else data


def _loaded(image: Image.Image) -> Image.Image:
    """Return the pixels as a browser has them before our own rotation."""
    if isinstance(image, GifImageFile):
        return _on_its_screen(image)
    image.info.pop("xmp", None)  # browsers ignore it, but Pillow would rotate a TIFF by it
    image.load()
    if image.format == "AVIF":
        # Boxes in the file rotate it; browsers' decoders apply them as well.
        return ImageOps.exif_transpose(image)
    return image


def _on_its_screen(image: GifImageFile) -> Image.Image:
    """Place a GIF's first frame on its screen, which is otherwise white."""
    frame = image.tile[0].extents if image.tile else None
    image.load()
    if frame is None or frame == (0, 0, *image.size):
        return image
    screen = Image.new("RGB", image.size, "white")
    screen.paste(_opaque(image.crop(frame)), frame[:2])
    return screen


def _square(image: Image.Image, size: int, orientation: int, *, whole: bool) -> Image.Image:
    small = _shrink(image, size)
    width, height = small.size if whole else (min(small.size),) * 2
    left, top = (small.width - width) / 2, (small.height - height) / 2
    # Resize rows of the upright picture first: the order changes last digits, and differs between
    # Pillow's releases. A centre square commutes with rotation, so only the small result is
    # rotated.
    if orientation >= _LYING:
        part = _resized(small, (small.width, size), (0, top, small.width, top + height))
        result = _resized(part, (size, size), (left, 0, left + width, size))
    else:
        part = _resized(small, (size, small.height), (left, 0, left + width, small.height))
        result = _resized(part, (size, size), (0, top, size, top + height))
    return result.transpose(_TURNED[orientation]) if orientation in _TURNED else result


def _resized(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float]
) -> Image.Image:
    return image.resize(size, Image.Resampling.BICUBIC, box=box)


def _shrink(image: Image.Image, size: int) -> Image.Image:
    """Return opaque 8-bit RGB or L, box-filtered by an integer factor to at least about 2 × size.

    Works in horizontal bands, so a large picture is never converted as a whole.
    """
    factor = max(1, min(image.size) // (2 * size))
    rows = max(1, _BAND_BYTES // (4 * image.width * factor)) * factor
    parts = []
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        parts.append(_opaque(image.crop(box)).reduce(factor))
    mode = "L" if all(part.mode == "L" for part in parts) else "RGB"
    whole = Image.new(mode, (parts[0].width, sum(part.height for part in parts)))
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _opaque(image: Image.Image) -> Image.Image:
    """Convert to 8-bit RGB or L; transparent parts become white."""
    if image.mode.startswith(("I", "F")):  # 16-bit grey: Pillow would clip instead of scale
        values = np.asarray(image).astype(np.int64) >> 8
        return Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        colour = image.convert("RGBA")
        white = Image.new("RGBA", colour.size, "white")
        return Image.alpha_composite(white, colour).convert("RGB")
    return image.convert("L" if image.mode in {"1", "L"} else "RGB")


def _to_tensor(image: Image.Image, channels: int) -> Pixels:
    array = np.array(image.convert("L" if channels == 1 else "RGB"))
    array = array[None] if channels == 1 else array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))
