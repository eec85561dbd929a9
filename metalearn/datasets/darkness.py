"""Detection of grey pictures with 12-bit values in 16 bits, which look nearly black."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from metalearn.datasets.images import DAMAGED, MAX_PIXELS
from metalearn.datasets.orientation import BYTE_ORDERS, PNG

TWELVE_BITS = 4095
_DEPTH_AND_COLOUR, _GREY_OF_16_BITS = slice(24, 26), b"\x10\0"


class PictureWarning(UserWarning):
    """A picture is readable but probably does not look as its owner expects."""


def is_nearly_black(data: bytes) -> bool:
    """Return whether a picture is 16-bit grey and no value needs more than 12 bits."""
    grey_png = data.startswith(PNG) and data[_DEPTH_AND_COLOUR] == _GREY_OF_16_BITS
    if not grey_png and data[:4] not in BYTE_ORDERS:
        return False
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "TIFF")) as image:
            if not image.mode.startswith("I;16") or image.width * image.height > MAX_PIXELS:
                return False
            return bool(np.asarray(image).max() <= TWELVE_BITS)
    except DAMAGED:
        return False


def nearly_black(names: Sequence[str]) -> str:
    """Return a warning that names these pictures and says how to fix them."""
    first, others = names[0], len(names) - 1
    who = f"{first} and {others} {'other' if others == 1 else 'others'}" if others else first
    looks = "look" if others else "looks"
    return (
        f"{who} {looks} nearly black: the values have 16 bits, but none is above {TWELVE_BITS}, "
        "as 12-bit cameras write them; multiply them by 16, or save with 8 bits."
    )
