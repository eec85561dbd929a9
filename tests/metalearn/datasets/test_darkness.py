"""Grey pictures whose 16 bits hold values of 12 are told apart from all others."""

import io

import numpy as np
import pytest
from PIL import Image

from metalearn.datasets.darkness import is_nearly_black, nearly_black
from tests.metalearn.datasets.encoding import encode


def grey(brightest: int) -> Image.Image:
    pixels = np.zeros((20, 20), np.uint16)
    pixels[3, 3] = brightest
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_no_value_above_twelve_bits_is_nearly_black(kind: str) -> None:
    assert is_nearly_black(encode(grey(4095), kind))
    assert not is_nearly_black(encode(grey(4096), kind))


def test_pictures_of_eight_bits_colour_and_damaged_ones_are_not() -> None:
    eight = Image.new("L", (20, 20))
    for image in (eight, eight.convert("RGB")):
        assert not is_nearly_black(encode(image))
    whole = encode(grey(100))
    assert not is_nearly_black(whole[: len(whole) // 2])
    assert not is_nearly_black(b"")


def test_a_colour_tiff_is_not() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "TIFF")
    assert not is_nearly_black(buffer.getvalue())


def test_the_warning_counts_the_others() -> None:
    assert nearly_black(["a.png"]).startswith("a.png looks nearly black")
    assert nearly_black(["a.png", "b"]).startswith("a.png and 1 other look nearly black")
    assert nearly_black(["a.png", "b", "c"]).startswith("a.png and 2 others look")
