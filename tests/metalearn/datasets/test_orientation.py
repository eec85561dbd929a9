"""A picture file says in one place how it is turned, and only there."""

import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from metalearn.datasets import decode_image
from metalearn.datasets.orientation import read_orientation
from tests.metalearn.datasets.encoding import encode, exif_of
from tests.turned import turned_files


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_equals_pillows_own_turning(halves: Image.Image, orientation: int) -> None:
    from PIL import ImageOps

    data = encode(halves, exif=exif_of(orientation))
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    expected = decode_image(encode(upright), channels=3, image_size=16)
    difference = decode_image(data, channels=3, image_size=16).int() - expected.int()
    assert difference.abs().max() <= 1


@pytest.mark.parametrize(
    ("name", "orientation"),
    [
        *((f"{kind} {turn}", turn) for kind in ("jpeg", "png", "webp") for turn in range(2, 9)),
        *((name, 6) for name in ("fill bytes", "stray bytes", "a second block", "a name twice")),
        *((name, 6) for name in ("png after pixels", "png twice", "webp with a name")),
        ("xmp before exif", 8),
        *((name, 1) for name in ("xmp jpeg", "xmp png", "xmp webp", "text png", "no tiff")),
        *((name, 1) for name in ("a long", "two shorts", "nine", "webp without a flag")),
        ("a first block without it", 1),
    ],
)
def test_only_the_first_exif_block_turns_a_picture(name: str, orientation: int) -> None:
    file = turned_files()[name]
    assert read_orientation(file) == orientation
    with Image.open(io.BytesIO(file)) as image:
        lying = encode(image.convert("RGB"), exif=exif_of(orientation))
    found = decode_image(file, channels=3, image_size=16)
    assert torch.equal(found, decode_image(lying, channels=3, image_size=16))


@pytest.mark.long
@given(st.binary(max_size=200), st.sampled_from(sorted(turned_files())), st.integers(0, 2000))
def test_an_orientation_is_read_from_any_bytes(noise: bytes, name: str, where: int) -> None:
    whole = turned_files()[name]
    where %= len(whole)
    for data in (noise, whole[:where] + noise + whole[where + len(noise) :], whole[:where]):
        assert 1 <= read_orientation(data) <= 8
