"""Pictures of a distribution are decoded as a whole, and named when they cannot be."""

from pathlib import Path

import pytest
from PIL import Image

from metalearn.datasets.sources.pictures import picture_of
from metalearn.errors import InvalidData
from tests.metalearn.datasets.encoding import encode


def test_a_wide_picture_is_scaled_and_not_cut(halves: Image.Image) -> None:
    pixels = picture_of(encode(halves), "a.png", Path("set.zip"), channels=3, size=16)
    assert pixels.shape == (3, 16, 16)
    red, blue = pixels[:, 10, 0], pixels[:, 10, 15]
    assert red[0] > 230 and blue[2] > 230


def test_a_picture_that_cannot_be_read_is_named_with_its_archive(halves: Image.Image) -> None:
    where = Path("set.zip")
    with pytest.raises(InvalidData, match=r"“a\.png” in “set\.zip”"):
        picture_of(encode(halves)[:40], "a.png", where, channels=3, size=16)
    with pytest.raises(InvalidData, match=r"“a\.png” in “set\.zip”"):
        picture_of(encode(halves), "a.png", where, channels=3, size=16, formats=("JPEG",))
