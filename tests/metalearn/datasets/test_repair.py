"""Files whose pixels are all there although something else is missing or wrong."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from metalearn.datasets import decode_image
from metalearn.errors import InvalidData
from tests.turned import chunk, jpeg, png, segment

NOISE = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
SMOOTH = np.tile(np.linspace(0, 255, 90, dtype=np.uint8)[None, :, None], (70, 1, 3))


def jpeg_of(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "JPEG", **options)
    return buffer.getvalue()


WHOLE = {
    "noise": jpeg_of(NOISE, quality=90),
    "smooth": jpeg_of(SMOOTH),
    "large": jpeg_of(np.asarray(Image.fromarray(NOISE).resize((350, 260))), quality=90),
    "grey": jpeg_of(NOISE[..., 0]),
    "progressive": jpeg_of(NOISE, progressive=True),
    "with restarts": jpeg_of(NOISE, restart_marker_rows=1),
    "progressive with restarts": jpeg_of(SMOOTH, progressive=True, restart_marker_blocks=3),
    "with a small picture inside": jpeg(segment(jpeg_of(SMOOTH)), picture=jpeg_of(NOISE)),
}


def decoded(data: bytes) -> torch.Tensor:
    return decode_image(data, channels=3, image_size=32, quick=False)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("quick", [False, True])
def test_a_jpeg_without_its_end_marker_is_read_to_the_same_pixels(name: str, quick: bool) -> None:
    whole = WHOLE[name]
    expected = decode_image(whole, channels=3, image_size=32, quick=quick)
    for data in (whole[:-2], whole[:-1]):
        found = decode_image(data, channels=3, image_size=32, quick=quick)
        assert torch.equal(found, expected)


@pytest.mark.long
@pytest.mark.parametrize("name", WHOLE)
def test_a_jpeg_that_lacks_pixels_is_refused_wherever_it_was_cut(name: str) -> None:
    whole = WHOLE[name]
    refused = 0
    step = len(whole) // 2000 + 1
    lengths = {*range(600, len(whole) - 2, step), *range(len(whole) - 200, len(whole) - 2)}
    for length in sorted(lengths):
        try:
            found = decoded(whole[:length])
        except InvalidData:
            refused += 1
            continue
        # A last byte may hold so little that no pixel shows it.
        assert torch.equal(found, decoded(whole)), length - len(whole)
    assert refused > 0.9 * len(lengths)


def test_a_jpeg_cut_between_restarts_or_scans_is_refused() -> None:
    for name in ("with restarts", "progressive", "progressive with restarts"):
        whole = WHOLE[name]
        marks = [at for at in range(600, len(whole) - 2) if whole[at] == 0xFF and whole[at + 1]]
        assert marks
        for at in marks:
            with pytest.raises(InvalidData, match="cannot be read"):
                decoded(whole[:at])


@pytest.mark.parametrize(
    "bad",
    [
        chunk(b"tEXt", b"title\0x")[:-1] + b"?",
        chunk(b"zTXt", b"title\0\0no zlib"),
        chunk(b"iTXt", b"title")[:-4] + bytes(4),
        chunk(b"tIME", bytes(7))[:-4] + bytes(4),
    ],
)
def test_a_png_with_a_broken_remark_is_read_without_it(bad: bytes) -> None:
    assert torch.equal(decoded(png(bad)), decoded(png()))
    assert torch.equal(decoded(png(after=(bad,))), decoded(png()))


def test_a_png_with_broken_pixels_stays_refused() -> None:
    whole = bytearray(png(chunk(b"tEXt", b"a\0b")[:-1] + b"?"))
    whole[whole.index(b"IDAT") + 20] ^= 255
    with pytest.raises(InvalidData, match="cannot be read"):
        decoded(bytes(whole))
