"""Pictures in a real Chromium against the server's own decoder, pixel by pixel."""

import base64
import io
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Error, Page

from metalearn.datasets import decode_image
from metalearn.errors import InvalidData
from tests.journeys.modules import page_beside_our_modules
from tests.tiffs import tiff_files
from tests.tools import find_chromium
from tests.turned import chunk, png, turned_files

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium on this machine"),
]
DECODE = """async ([text, architecture]) => {
  const { decodeSquare } = await import("/js/device/decode.js");
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return [...(await decodeSquare(new Blob([bytes]), architecture))];
}"""
ARCHITECTURE = {"image_size": 32, "channels": 3}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with page_beside_our_modules() as page:
        yield page


def photograph(width: int, height: int) -> Image.Image:
    """Colours, edges and noise of a size that no filter can hide."""
    rng = np.random.default_rng(width * 7 + height)
    rough = Image.fromarray(rng.integers(0, 256, (9, 13, 3), dtype=np.uint8))
    smooth = np.asarray(rough.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = smooth + rng.integers(-12, 13, (height, width, 1))
    image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(0.6))


def as_file(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def see_through(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def on_a_larger_screen(gif: bytes) -> bytes:
    return gif[:6] + struct.pack("<HH", 400, 300) + gif[10:]


PHOTO = photograph(341, 260)
IN_16_BITS = Image.fromarray(np.asarray(PHOTO.convert("L")).astype(np.uint16) * 251)
EXACT = {
    "png": as_file(PHOTO, "PNG"),
    "small png": as_file(photograph(20, 31), "PNG"),
    "wide png": as_file(photograph(700, 90), "PNG"),
    "grey png": as_file(PHOTO.convert("L"), "PNG"),
    "palette": as_file(PHOTO.quantize(64), "PNG"),
    "black and white": as_file(PHOTO.convert("1"), "PNG"),
    "opaque rgba": as_file(PHOTO.convert("RGBA"), "PNG"),
    "webp": as_file(PHOTO, "WEBP", lossless=True),
    "turned png": as_file(PHOTO, "PNG", exif=exif_of(6)),
    **{
        f"turned webp {turn}": as_file(PHOTO, "WEBP", lossless=True, exif=exif_of(turn))
        for turn in range(2, 9)
    },
    **turned_files(),
}
JPEGS = {
    "jpeg": as_file(PHOTO, "JPEG", quality=90),
    "whole chroma": as_file(PHOTO, "JPEG", quality=95, subsampling=0),
    "progressive": as_file(PHOTO, "JPEG", quality=80, progressive=True),
    "lossy webp": as_file(PHOTO, "WEBP", quality=80),
    "grey jpeg": as_file(PHOTO.convert("L"), "JPEG", quality=85),
    **{
        f"turned {turn}": as_file(PHOTO, "JPEG", quality=90, exif=exif_of(turn))
        for turn in range(2, 9)
    },
}
TRANSPARENT = {
    "gradient": as_file(see_through(PHOTO), "PNG"),
    "grey and alpha": as_file(see_through(PHOTO.convert("L").convert("RGB")).convert("LA"), "PNG"),
    "hole": as_file(PHOTO.quantize(16), "PNG", transparency=0),
}
# Formats that the browser decodes, and TIFF, which we do.
OTHERS = {
    "gif": as_file(PHOTO.quantize(64), "GIF"),
    "gif by lines": as_file(PHOTO.quantize(64), "GIF", interlace=1),
    "gif with a hole": as_file(PHOTO.quantize(16), "GIF", transparency=0),
    "gif of several frames": as_file(
        PHOTO.quantize(64), "GIF", save_all=True, append_images=[PHOTO.rotate(180).quantize(64)]
    ),
    "gif that leaves its screen free": on_a_larger_screen(as_file(PHOTO.quantize(64), "GIF")),
    "bmp": as_file(PHOTO, "BMP"),
    "grey bmp": as_file(PHOTO.convert("L"), "BMP"),
    "bmp with a palette": as_file(PHOTO.quantize(16), "BMP"),
    "black and white bmp": as_file(PHOTO.convert("1"), "BMP"),
    "bmp of 32 bits": as_file(see_through(PHOTO), "BMP"),
    "grey png of 16 bits": as_file(IN_16_BITS, "PNG"),
    **tiff_files(PHOTO),
}
AVIFS = {
    "avif": as_file(PHOTO, "AVIF", quality=80),
    "whole chroma": as_file(PHOTO, "AVIF", quality=90, subsampling="4:4:4"),
    "grey": as_file(PHOTO.convert("L"), "AVIF", quality=90),
    "of several frames": as_file(PHOTO, "AVIF", save_all=True, append_images=[PHOTO.rotate(180)]),
    **{
        f"turned {turn}": as_file(PHOTO, "AVIF", quality=80, exif=exif_of(turn))
        for turn in range(2, 9)
    },
}
REPAIRED = {
    "jpeg without its end": JPEGS["jpeg"][:-2],
    "jpeg with half an end": JPEGS["jpeg"][:-1],
    "progressive jpeg without its end": as_file(PHOTO, "JPEG", progressive=True)[:-2],
    "jpeg of restarts without its end": as_file(PHOTO, "JPEG", restart_marker_rows=1)[:-2],
    "png whose text has a wrong checksum": png(chunk(b"tEXt", b"a\0b")[:-1] + b"x"),
    "png whose size has a wrong checksum": png(chunk(b"pHYs", bytes(9))[:-1] + b"x"),
}


def differences(page: Page, content: bytes, channels: int = 3) -> np.ndarray:
    architecture = {"image_size": 32, "channels": channels}
    found = page.evaluate(DECODE, [base64.b64encode(content).decode(), architecture])
    there = decode_image(content, channels=channels, image_size=32, quick=False).numpy()
    return np.abs(np.array(found).reshape(there.shape) - there.astype(int))


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_kept_whole_is_decoded_to_the_last_bit(
    page: Page, name: str, channels: int
) -> None:
    assert differences(page, EXACT[name], channels).max() == 0


@pytest.mark.parametrize("name", JPEGS)
def test_jpegs_however_they_are_turned_are_decoded_alike(page: Page, name: str) -> None:
    assert differences(page, JPEGS[name]).max() == 0


@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparent_pictures_lie_on_white_up_to_a_rounding(page: Page, name: str) -> None:
    assert differences(page, TRANSPARENT[name]).max() <= 1


@pytest.mark.parametrize("name", ["jpeg", "progressive", "jpeg of restarts"])
def test_a_jpeg_that_was_cut_off_is_refused_as_on_the_server(page: Page, name: str) -> None:
    whole = {**JPEGS, "jpeg of restarts": as_file(PHOTO, "JPEG", restart_marker_rows=1)}[name]
    for missing in (3, 4, 6, 9, 17, 60, 400, len(whole) // 2, len(whole) - 300):
        content = whole[:-missing]
        try:
            decode_image(content, channels=3, image_size=32, quick=False)
        except InvalidData:
            with pytest.raises(Error, match="This picture cannot be read; use a whole PNG"):
                page.evaluate(DECODE, [base64.b64encode(content).decode(), ARCHITECTURE])
        else:
            assert missing == 3
            assert differences(page, content).max() == 0


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_gif_bmp_and_tiff_are_decoded_to_the_last_bit(page: Page, name: str, channels: int) -> None:
    most = 1 if "hole" in name or "see through" in name else 0
    assert differences(page, OTHERS[name], channels).max() <= most


@pytest.mark.parametrize("name", AVIFS)
def test_avif_is_decoded_alike_up_to_its_decoders(page: Page, name: str) -> None:
    assert differences(page, AVIFS[name]).max() <= 2


@pytest.mark.parametrize("name", REPAIRED)
def test_what_lacks_no_pixel_is_read_to_the_same_pixels(page: Page, name: str) -> None:
    assert differences(page, REPAIRED[name]).max() == 0
