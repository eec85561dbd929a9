"""The adapters are torchvision's own networks, key by key and number by number."""

import sys
from types import ModuleType

import pytest
import torch

from metalearn.networks import NetworkSpec, all_architectures, build_network, torchvision_import
from metalearn.networks.torchvision_import import torchvision_models

ADAPTERS = {n: a for n, a in all_architectures().items() if n.startswith("tv_")}


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_the_same_weights_give_the_same_logits_as_torchvision(name):
    adapter = ADAPTERS[name]
    network = build_network(NetworkSpec(name, adapter.default_width, 3, 40, 4)).eval()
    reference = getattr(torchvision_models(), adapter.builder)(num_classes=4).eval()
    assert list(network.state_dict()) == list(reference.state_dict())
    reference.load_state_dict(network.state_dict())
    images = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = network(images), reference(images)
    # Some untrained networks give logits of 1e-11: what counts is the share of the largest.
    largest = expected.abs().max()
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-4)


def test_a_healthy_torchvision_is_left_alone(monkeypatch):
    healthy = ModuleType("torchvision.models")
    monkeypatch.setitem(sys.modules, "torchvision.models", healthy)
    monkeypatch.setattr(torchvision_import.importlib, "import_module", lambda name: healthy)
    monkeypatch.setattr(
        torchvision_import, "_declare_missing_operators", lambda: pytest.fail("must not declare")
    )
    assert torchvision_models() is healthy


def test_another_failure_of_torchvision_is_not_hidden(monkeypatch):
    def fail(name: str) -> ModuleType:
        raise RuntimeError("something else is wrong")

    monkeypatch.setattr(torchvision_import.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="something else"):
        torchvision_models()
