"""The usual classifiers of timm and torchvision as graphs, next to PyTorch."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from metalearn.browser_graphs import make_graphs
from metalearn.browser_graphs.graphs import Graphs
from metalearn.learning.inner_loop import PureNetwork, sgd_step
from metalearn.meta_learner import AdaptationSettings
from metalearn.networks import Network, NetworkSpec, get_architecture

sys.path.insert(0, str(Path(__file__).parent))
comparing = importlib.import_module("comparing")
steps_by_hand = importlib.import_module("steps_by_hand")
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
MEANS = AdaptationSettings(head="prototypes")
GRADIENTS = {"sgd", "invert_head", "invert_centroids", "contrast", "contrast_poster"}
USUAL = [
    "timm/tf_efficientnet_lite0",
    "timm/vit_tiny_patch16_224",
    "timm/convnext_atto",
    "torchvision/mobilenet_v2",
]
MORE = [
    "timm/vit_small_patch16_224",
    "timm/deit_tiny_patch16_224",
    "timm/mobilenetv3_small_100",
    "timm/efficientnet_b0",
    "timm/regnety_002",
    "torchvision/regnet_y_400mf",
    "timm/swin_tiny_patch4_window7_224",
]


def spec_of(name: str, size: int = 32) -> NetworkSpec:
    return NetworkSpec(name, get_architecture(name).default_width, 3, size, 3)


def assert_means_are_pytorchs(network: Network, graphs: Graphs) -> None:
    _, _, logits, expected = comparing.both(network, graphs, MEANS, 3, [2])
    # Else a network that says the same of everything would pass.
    assert np.ptp(expected) > 1e-2
    assert np.abs(logits - expected).max() < 1e-3


@pytest.mark.parametrize("name", USUAL + [pytest.param(n, marks=pytest.mark.slow) for n in MORE])
def test_usual_classifiers_have_every_graph_and_adapt_by_means_as_in_pytorch(name: str) -> None:
    network = comparing.calm_network_of(spec_of(name, 224 if "swin" in name else 32))
    graphs = make_graphs(network)
    assert graphs.missing == {}
    assert_means_are_pytorchs(network, graphs)


@pytest.mark.parametrize("name", USUAL)
def test_in_double_precision_a_step_of_usual_classifiers_is_autograds(name: str) -> None:
    """In single precision a ReLU6 that falls the other way changes a weight by a tenth."""
    network = comparing.calm_network_of(spec_of(name), torch.float64)
    graphs = [g for g in make_graphs(network, dtype=torch.float64) if g.step.name == "sgd"]
    images = comparing.episode(3, [1], network.spec)[0].double()
    targets, lr = torch.eye(3).double(), torch.tensor(0.1).double()
    pure = PureNetwork(network)
    _, stepped = sgd_step(pure, pure.weights(), images, targets, lr=lr)
    given = {"images": images, "targets": targets, "lr": lr}
    given |= {**dict(network.named_parameters()), **dict(network.named_buffers())}
    inputs = {name: given[name].numpy() for name in graphs[0].inputs}
    found = steps_by_hand.reference_run(graphs)("sgd", inputs)
    moved = max(float((new - given[name]).abs().max()) for name, new in stepped.items())
    for name, new in stepped.items():
        assert np.abs(found[f"new.{name}"] - new.numpy()).max() < 1e-10 * moved, name


def test_a_network_with_averages_over_windows_adapts_by_means_alone() -> None:
    network = comparing.calm_network_of(NetworkSpec("timm/resnet18d", 512, 3, 32, 3))
    graphs = make_graphs(network)
    assert set(graphs.missing) == GRADIENTS
    assert_means_are_pytorchs(network, graphs)
