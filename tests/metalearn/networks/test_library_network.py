"""A library's model as a network: its tensors can be copied and swapped, and its mode set."""

import copy

import pytest
import torch
from torch.func import functional_call

from metalearn.networks import build_network
from tests.metalearn.networks.library_specs import spec_of


@pytest.mark.parametrize("name", ["timm/vit_tiny_patch16_224", "torchvision/mobilenet_v3_small"])
def test_a_copy_has_tensors_of_its_own(name: str) -> None:
    torch.manual_seed(0)
    network = build_network(spec_of(name)).eval()
    other = copy.deepcopy(network)
    images = torch.rand(1, 3, network.spec.image_size, network.spec.image_size)
    with torch.no_grad():
        before = network(images)
        for parameter in other.parameters():
            parameter.zero_()
        torch.testing.assert_close(network(images), before)
        assert other(images).abs().max() == 0


def test_swapped_tensors_reach_the_model_also_at_its_root() -> None:
    torch.manual_seed(0)
    network = build_network(spec_of("timm/vit_tiny_patch16_224")).eval()
    images = torch.rand(1, 3, 224, 224)
    token = {"cls_token": torch.randn_like(network.get_parameter("cls_token"))}
    with torch.no_grad():
        moved = functional_call(network, token, (images,))
        assert (moved - network(images)).abs().max() > 1e-3
        network.load_state_dict({**network.state_dict(), **token})
        torch.testing.assert_close(network(images), moved)


def test_training_mode_reaches_the_model_itself() -> None:
    network = build_network(spec_of("timm/vit_tiny_patch16_224"))
    assert network.eval()._model.training is False
    assert network.train()._model.training is True
