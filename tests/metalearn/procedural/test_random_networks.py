"""Noise seen through random networks fills pictures of any size and number."""

import pytest
import torch

from metalearn.procedural.canvas import Canvas
from metalearn.procedural.random_networks import PER_NETWORK, draw_random_networks


def drawn(n: int, size: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    return draw_random_networks(Canvas(n, size, channels, torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("n", [1, PER_NETWORK, PER_NETWORK + 1])
@pytest.mark.parametrize(("size", "channels"), [(8, 1), (21, 3)])
def test_there_are_as_many_of_the_size_asked_for(n: int, size: int, channels: int) -> None:
    found = drawn(n, size, channels)
    assert found.shape == (n, channels, size, size)
    assert found.isfinite().all()


def test_pictures_of_one_network_differ_and_neighbouring_pixels_are_alike() -> None:
    found = drawn(PER_NETWORK, 32)
    flat = found.flatten(1)
    others = torch.cdist(flat, flat)[~torch.eye(PER_NETWORK, dtype=torch.bool)]
    assert others.min() > 1
    centred = found - found.mean((2, 3), keepdim=True)
    power = centred.square().mean()
    assert (centred[..., 1:] * centred[..., :-1]).mean() / power > 0.5
