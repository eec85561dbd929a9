"""GIF, BMP, TIFF and AVIF: what is special about each, and what hostile files declare."""

import struct

import numpy as np
import pytest
import torch
from PIL import Image

from metalearn.datasets import MAX_PIXELS, decode_image
from metalearn.errors import InvalidData
from tests.metalearn.datasets.encoding import encode
from tests.tiffs import as_tiff, tiff_files, written
from tests.turned import ORIENTATION

PHOTO = Image.effect_noise((90, 60), 70).convert("RGB")
UPSIDE_DOWN = PHOTO.rotate(180)
SIDE = int(MAX_PIXELS**0.5) + 1


def decoded(data: bytes) -> torch.Tensor:
    return decode_image(data, channels=3, image_size=16)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "AVIF", "WEBP"])
def test_of_several_frames_the_first_one_counts(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    several = encode(PHOTO, kind, save_all=True, append_images=[UPSIDE_DOWN] * 3, **options)
    alone = decoded(encode(PHOTO, "PNG"))
    difference = (decoded(several).int() - alone.int()).abs().float().mean()
    assert difference < (decoded(several).int() - alone.flip(1, 2).int()).abs().float().mean() / 3


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["TIFF", "AVIF"])
def test_a_turned_picture_is_upright(kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    expected = decoded(encode(PHOTO, "PNG", exif=exif))
    options = {"quality": 100, "subsampling": "4:4:4"} if kind == "AVIF" else {}
    found = decoded(encode(PHOTO, kind, exif=exif, **options))
    assert (found.int() - expected.int()).abs().max() <= (6 if kind == "AVIF" else 0)


def test_an_xmp_text_turns_no_tiff() -> None:
    files = tiff_files(PHOTO)
    plain = decoded(encode(PHOTO, "PNG"))
    assert torch.equal(decoded(files["tiff turned by an XMP text only"]), plain)


def test_where_a_gif_leaves_its_screen_free_it_is_white() -> None:
    gif = encode(Image.new("P", (10, 10), 0), "GIF")
    wide = gif[:6] + struct.pack("<HH", 10, 40) + gif[10:]
    assert decode_image(wide, channels=1, image_size=40)[0, 30, 20] == 255


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a" + struct.pack("<HH", 65535, 65535) + encode(PHOTO, "GIF")[10:],
        encode(Image.new("1", (SIDE, SIDE)), "BMP"),
        as_tiff(Image.new("1", (SIDE, SIDE)), "tiff_adobe_deflate"),
        written(np.zeros((2, 2), np.uint8), tags={256: [65535], 257: [65535]}),
        encode(Image.new("L", (SIDE, SIDE)), "AVIF", speed=10),
    ],
    ids=["gif", "bmp", "deflated tiff", "tiff", "avif"],
)
def test_more_pixels_than_there_may_be_are_refused_before_they_are_decoded(data: bytes) -> None:
    with pytest.raises(InvalidData, match="megapixels"):
        decoded(data)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_a_tiff_of_32_bits_is_refused_with_what_to_do(mode: str) -> None:
    data = encode(Image.new(mode, (8, 8)), "TIFF")
    with pytest.raises(InvalidData, match="32 bits; scale them to 8 or 16"):
        decoded(data)
