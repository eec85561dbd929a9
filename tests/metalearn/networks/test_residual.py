"""The residual networks for small images."""

import pytest
import torch

from metalearn.networks import (
    NetworkSpec,
    build_network,
)


def test_networks_for_small_images_have_the_published_number_of_weights() -> None:
    counts = {
        name: sum(p.numel() for p in build_network(NetworkSpec(name, w, 3, 32, 5)).parameters())
        for name, w in (("conv4", 32), ("resnet10", 64), ("resnet18", 64))
    }
    # Conv4: 3*32*9+32, three of 32*32*9+32, 64 for each norm, 128*5+5.
    assert counts["conv4"] == 896 + 3 * 9_248 + 4 * 64 + 645
    assert 4.8e6 < counts["resnet10"] < 5.0e6
    assert 11.1e6 < counts["resnet18"] < 11.3e6


@pytest.mark.parametrize("width", [2, 4, 5])
def test_narrow_residual_networks_run_in_channels_last_order(width: int) -> None:
    # torch 2.13 corrupts its memory in a strided 1x1 convolution of fewer than 8 channels.
    network = build_network(NetworkSpec("resnet10", width, 3, 24, 3))
    plain = network.embed(torch.ones(4, 3, 24, 24))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.ones(4, 3, 24, 24).contiguous(memory_format=torch.channels_last)
    # Batch statistics of so few channels leave a few 1e-4 to the order of the sums.
    assert torch.allclose(network.embed(images), plain, atol=1e-3)
