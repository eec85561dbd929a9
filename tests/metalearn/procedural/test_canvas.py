"""Colours go together within a picture as they do in photographs."""

import pytest
import torch

from metalearn.procedural.canvas import NATURAL_CORRELATION
from tests.metalearn.procedural.drawing import COLOURS, drawn


@pytest.mark.parametrize("kind", ["leaves", "objects"])
def test_half_of_the_pictures_have_channels_that_go_together_as_in_photographs(kind: str) -> None:
    pictures = drawn(256, kind=kind)
    z = (pictures - pictures.mean((2, 3), keepdim=True)).flatten(2)
    red, blue = z[:, 0], z[:, 2]
    alike = (red * blue).mean(1) / (red.std(1) * blue.std(1) + 1e-6)
    assert alike.quantile(0.75) > NATURAL_CORRELATION**2 - 0.05
    assert alike.quantile(0.25) < 0.6


def test_neighbouring_pixels_are_alike_as_in_photographs() -> None:
    z = drawn(256) - torch.tensor(COLOURS["mean"]).view(1, 3, 1, 1)
    power = z.square().mean()
    assert (z[..., 1:] * z[..., :-1]).mean() / power > 0.85
    assert (z[..., 8:] * z[..., :-8]).mean() / power < 0.85
