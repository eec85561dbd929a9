"""A picture whose parts can be told apart."""

import pytest
from PIL import Image


@pytest.fixture
def halves() -> Image.Image:
    """A picture twice as wide as high: red left, blue right, green strip on top."""
    image = Image.new("RGB", (128, 64), "red")
    image.paste("blue", (64, 0, 128, 64))
    image.paste("lime", (0, 0, 128, 16))
    return image
