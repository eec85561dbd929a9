"""A picture becomes bytes of the size and channels asked for, or is refused."""

import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from metalearn.datasets import MAX_PIXELS, decode_image
from metalearn.errors import InvalidData
from tests.metalearn.datasets.encoding import encode

KINDS = ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_becomes_its_centre_square(halves: Image.Image, kind: str) -> None:
    options = {"quality": 95} if kind in {"JPEG", "WEBP", "AVIF"} else {}
    pixels = decode_image(encode(halves, kind, **options), channels=3, image_size=32)
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == torch.uint8
    red, blue, green = pixels[:, 24, 4], pixels[:, 24, 28], pixels[:, 2, 16]
    assert red[0] > 230 and red[2] < 30
    assert blue[2] > 230 and blue[0] < 30
    assert green[1] > 230 and green[0] < 40


def test_transparent_parts_become_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 40, 20))
    pixels = decode_image(encode(image), channels=3, image_size=8)
    assert pixels[:, 1, 4].tolist() == [255, 0, 0]
    assert pixels[:, 6, 4].tolist() == [255, 255, 255]


def test_a_palette_with_a_transparent_colour_becomes_white_there() -> None:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    pixels = decode_image(encode(image, transparency=0), channels=3, image_size=8)
    assert pixels.float().mean() == 255


def test_grey_pictures_serve_colour_models_and_the_other_way_round() -> None:
    grey = encode(Image.new("L", (20, 20), 77))
    assert decode_image(grey, channels=3, image_size=8).unique().tolist() == [77]
    colour = encode(Image.new("RGB", (20, 20), (255, 255, 255)))
    assert decode_image(colour, channels=1, image_size=8).shape == (1, 8, 8)


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    data = encode(Image.fromarray(np.full((20, 20), 128 * 256, dtype=np.uint16)))
    assert decode_image(data, channels=1, image_size=8).unique().tolist() == [128]


def test_a_tiny_picture_is_enlarged() -> None:
    data = encode(Image.new("RGB", (1, 1), (9, 9, 9)))
    assert decode_image(data, channels=3, image_size=32).unique().tolist() == [9]


def test_a_picture_in_bands_equals_the_same_picture_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (150, 170, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise))
    whole = decode_image(data, channels=3, image_size=16)
    monkeypatch.setattr("metalearn.datasets.images._BAND_BYTES", 1)
    assert torch.equal(decode_image(data, channels=3, image_size=16), whole)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    data = encode(Image.new("1", (side, side)))
    with pytest.raises(InvalidData, match="megapixels"):
        decode_image(data, channels=3, image_size=32)


def test_a_truncated_picture_is_refused(halves: Image.Image) -> None:
    data = encode(halves, "JPEG")
    with pytest.raises(InvalidData, match="use a whole PNG, JPEG"):
        decode_image(data[: len(data) // 2], channels=3, image_size=32)


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "PCX"])
def test_other_formats_are_refused(halves: Image.Image, kind: str) -> None:
    with pytest.raises(InvalidData, match="GIF, BMP, TIFF or AVIF"):
        decode_image(encode(halves, kind), channels=3, image_size=32)


def test_two_channels_are_refused(halves: Image.Image) -> None:
    with pytest.raises(InvalidData, match="1 or 3"):
        decode_image(encode(halves), channels=2, image_size=32)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(KINDS), st.integers(0, 2000))
def test_bytes_that_are_not_a_picture_are_refused_not_crashed_on(
    noise: bytes, kind: str, where: int
) -> None:
    whole = encode(Image.new("RGB", (9, 7), (1, 2, 3)), kind)
    where %= len(whole)
    damaged = whole[:where] + noise + whole[where + len(noise) :]
    for data in (noise, damaged):
        try:
            pixels = decode_image(data, channels=3, image_size=8)
        except InvalidData:
            continue
        assert pixels.shape == (3, 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_40_megapixel_photo_needs_bounded_memory(kind: str, tmp_path: object) -> None:
    mode = "RGB" if kind == "JPEG" else "RGBA"
    path = f"{tmp_path}/photo"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(encode(Image.new(mode, (7728, 5152), "red"), kind))
    program = (
        "import resource, sys; from metalearn.datasets import decode_image\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "decode_image(open(sys.argv[1], 'rb').read(), channels=3, image_size=84)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 300_000  # KiB


def test_a_whole_picture_is_scaled_without_cutting_anything_off() -> None:
    halves = Image.new("RGB", (40, 20), "black")
    halves.paste((255, 255, 255), (20, 0, 40, 20))
    buffer = io.BytesIO()
    halves.save(buffer, "PNG")
    for whole in (False, True):
        pixels = decode_image(buffer.getvalue(), channels=1, image_size=8, whole=whole)
        assert int(pixels[0, 0, 0]) == 0 and int(pixels[0, 0, -1]) == 255
    wide = Image.new("RGB", (40, 20), "white")
    wide.paste((0, 0, 0), (0, 0, 10, 20))
    buffer = io.BytesIO()
    wide.save(buffer, "PNG")
    cut = decode_image(buffer.getvalue(), channels=1, image_size=8)
    assert int(cut.min()) > 200
    uncut = decode_image(buffer.getvalue(), channels=1, image_size=8, whole=True)
    assert int(uncut[0, 0, 0]) < 20
