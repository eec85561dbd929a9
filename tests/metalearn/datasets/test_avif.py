"""How large the frames inside an AVIF are, whatever its head declares."""

import resource
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from metalearn.datasets import MAX_PIXELS, decode_image
from metalearn.datasets.avif import largest_frame
from metalearn.errors import InvalidData
from tests.metalearn.datasets.encoding import encode

SIDE = int(MAX_PIXELS**0.5) + 1


@pytest.mark.long
def test_an_avif_that_declares_less_than_it_has_is_refused_without_taking_the_memory() -> None:
    large = encode(Image.new("L", (SIDE, SIDE)), "AVIF", speed=10)
    at = large.index(b"ispe") + 8
    lying = large[:at] + struct.pack(">II", 16, 16) + large[at + 8 :]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InvalidData, match="megapixels"):
        decode_image(lying, channels=3, image_size=16)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # KiB


@settings(deadline=2000)
@given(st.binary(max_size=60), st.integers(0, 600))
def test_the_boxes_of_any_avif_are_looked_through(noise: bytes, where: int) -> None:
    whole = encode(Image.new("RGBA", (9, 7), (1, 2, 3, 4)), "AVIF")
    assert largest_frame(whole) == 63
    where %= len(whole)
    for data in (noise, whole[:where] + noise + whole[where + len(noise) :], whole[:where]):
        try:
            assert largest_frame(data) >= 0
        except ValueError:
            continue
