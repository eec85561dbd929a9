"""Every architecture builds, reads its own tensors back, and keeps features and head apart."""

import pytest
import torch

from metalearn.errors import InvalidCheckpoint
from metalearn.networks import (
    NetworkSpec,
    all_architectures,
    build_network,
    expected_shapes,
    get_architecture,
)

NAMES = sorted(all_architectures())


def small_spec(name: str) -> NetworkSpec:
    width = all_architectures()[name].default_width if "/" in name else 4
    return NetworkSpec(name, width, 1, 32, 3)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_read_back_from_the_tensors_alone(name: str) -> None:
    spec = small_spec(name)
    assert get_architecture(name).read_spec(expected_shapes(spec), 32) == spec


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_the_head_of_the_features(name: str) -> None:
    network = build_network(small_spec(name)).eval()
    images = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        features = network.embed(images)
        assert features.shape == (2, network.feature_dim)
        assert torch.equal(network(images), network.output_layer(features))
    assert network.output_layer.out_features == 3
    assert f"{network.head_name}.weight" in network.state_dict()


@pytest.mark.parametrize("name", NAMES)
def test_tensors_of_another_architecture_are_refused(name: str) -> None:
    other = "resnet10" if name == "conv4" else "conv4"
    shapes = expected_shapes(small_spec(other))
    with pytest.raises(InvalidCheckpoint, match="missing|expected"):
        get_architecture(name).read_spec(shapes, 32)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidCheckpoint, match="vgg.*conv4.*resnet10"):
        get_architecture("vgg")
