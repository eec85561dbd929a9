"""Conv4: its keys, its sizes, and what is refused."""

from typing import Any

import pytest
import torch

from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, build_network, expected_shapes, get_architecture


@pytest.mark.parametrize(("size", "channels"), [(16, 3), (28, 1), (32, 3), (50, 4), (84, 3)])
def test_any_size_from_16_and_any_channels(size: int, channels: int) -> None:
    spec = NetworkSpec("conv4", 8, channels, size, 6)
    network = build_network(spec).eval()
    images = torch.rand(2, channels, size, size)
    assert network.embed(images).shape == (2, network.feature_dim)
    assert torch.equal(network(images), network.output_layer(network.embed(images)))
    assert get_architecture("conv4").read_spec(expected_shapes(spec), size) == spec


def test_key_names_are_those_of_pools_made_elsewhere() -> None:
    keys = set(expected_shapes(NetworkSpec("conv4", 32, 3, 32, 5)))
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = {f"blocks.{i}.norm.{name}" for i in range(4) for name in norm}
    expected |= {f"blocks.{i}.conv.{name}" for i in range(4) for name in ("weight", "bias")}
    assert keys == expected | {"head.weight", "head.bias"}


def test_the_wrong_image_size_is_named() -> None:
    shapes = expected_shapes(NetworkSpec("conv4", 32, 3, 32, 5))
    with pytest.raises(InvalidCheckpoint, match=r"head\.weight.*128.*800.*84 pixels"):
        get_architecture("conv4").read_spec(shapes, 84)


def test_images_that_would_vanish_are_refused() -> None:
    with pytest.raises(InvalidCheckpoint, match="at least 16 pixels"):
        build_network(NetworkSpec("conv4", 8, 3, 15, 5))


@pytest.mark.parametrize("shapes", [{}, {"blocks.0.conv.weight": (3,)}, {"head.weight": (5, 8)}])
def test_other_tensors_are_refused_by_name(shapes: dict[str, Any]) -> None:
    with pytest.raises(InvalidCheckpoint, match=r"blocks\.0\.conv\.weight"):
        get_architecture("conv4").read_spec(shapes, 32)


def test_a_block_does_what_relu_before_pooling_does() -> None:
    block = build_network(NetworkSpec("conv4", 4, 3, 16, 2)).blocks[0]
    x = torch.randn(2, 3, 8, 8, requires_grad=True)
    rows = []
    for result in (block(x), block.pool(block.act(block.norm(block.conv(x))))):
        rows.append((result, *torch.autograd.grad(result.square().sum(), [x, block.conv.weight])))
    for ours, theirs in zip(*rows, strict=True):
        torch.testing.assert_close(ours, theirs)
