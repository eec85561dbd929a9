"""Specs, shapes and sizes as every architecture has them."""

import pytest

from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, build_network, get_architecture
from metalearn.networks.base import present_name, shape_of


def test_old_names_of_torchvisions_networks_become_the_present_ones() -> None:
    assert present_name("tv_resnet18") == "torchvision/resnet18"
    assert present_name("conv4") == "conv4"
    assert NetworkSpec("tv_resnet18", 64, 3, 32, 2).architecture == "torchvision/resnet18"


def test_a_spec_is_plain_data_and_only_has_a_configuration_where_there_is_one() -> None:
    spec = NetworkSpec("conv4", 4, 3, 16, 2)
    assert NetworkSpec(**spec.as_dict()) == spec
    assert "config" not in spec.as_dict()
    assert NetworkSpec("transformers/vit", 4, 3, 16, 2, "{}").as_dict()["config"] == "{}"


def test_a_tensor_that_is_missing_or_of_other_dimensions_is_refused_by_name() -> None:
    shapes = {"a": (2, 3), "empty": (0, 3)}
    assert shape_of(shapes, "a", dims=2) == (2, 3)
    for name, dims, says in (("b", 2, "“b” is missing"), ("a", 4, "4 dim"), ("empty", 2, "2 dim")):
        with pytest.raises(InvalidCheckpoint, match=says):
            shape_of(shapes, name, dims=dims)


def test_images_that_would_vanish_are_refused() -> None:
    architecture = get_architecture("resnet10")
    architecture.check_image_size(architecture.min_image_size)
    with pytest.raises(InvalidCheckpoint, match="at least 8 pixels, not 7"):
        architecture.check_image_size(7)


def test_the_usual_network_can_be_built_and_its_logits_are_its_heads() -> None:
    spec = get_architecture("conv4").usual_spec(16)
    assert (spec.channels, spec.n_classes, spec.image_size) == (3, 2, 16)
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    assert network.output_layer is network.get_submodule("head")
    assert network.output_layer.in_features == network.feature_dim
