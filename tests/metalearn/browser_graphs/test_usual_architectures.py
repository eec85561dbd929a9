"""The usual classifiers of timm and torchvision as graphs, next to PyTorch."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from metalearn.browser_graphs import make_graphs
from metalearn.meta_learner import AdaptationSettings
from metalearn.networks import NetworkSpec, get_architecture

sys.path.insert(0, str(Path(__file__).parent))
comparing = importlib.import_module("comparing")
pytestmark = pytest.mark.timeout(600)
MEANS = AdaptationSettings(head="prototypes")
ONE_STEP = AdaptationSettings(head="sgd", inner_steps=1, inner_lr=1e-4, head_init="prototypes")


def slow(name: str, size: int):
    return pytest.param(name, size, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("timm/tf_efficientnet_lite0", 32),
        ("timm/vit_tiny_patch16_224", 32),
        ("timm/convnext_atto", 32),
        ("torchvision/mobilenet_v2", 32),
        slow("timm/vit_small_patch16_224", 64),
        slow("timm/mobilenetv3_small_100", 64),
        slow("timm/regnety_002", 64),
        slow("torchvision/regnet_y_400mf", 64),
        slow("timm/efficientnet_b0", 64),
        slow("timm/deit_tiny_patch16_224", 64),
        slow("timm/swin_tiny_patch4_window7_224", 224),
    ],
)
def test_usual_classifiers_adapt_as_in_pytorch_by_means_and_by_a_step(name, size):
    width = get_architecture(name).default_width
    network = comparing.calm_network_of(NetworkSpec(name, width, 3, size, 3))
    graphs = make_graphs(network)
    assert graphs.missing == {}
    for settings in (MEANS, ONE_STEP):
        by_hand, classifier, logits, expected = comparing.both(network, graphs, settings, 3, [2])
        assert comparing.farthest(by_hand, classifier) < 1e-3
        # Else a network that says the same of everything would pass.
        assert np.ptp(expected) > 1e-3
        assert np.abs(logits - expected).max() < max(1e-3, 0.01 * np.ptp(expected))


def test_a_network_with_averages_over_windows_adapts_by_means_alone():
    network = comparing.calm_network_of(NetworkSpec("timm/resnet18d", 512, 3, 32, 3))
    graphs = make_graphs(network)
    assert set(graphs.missing) == {"sgd", "invert_head", "invert_centroids", "contrast"}
    _, _, logits, expected = comparing.both(network, graphs, MEANS, 3, [2])
    assert np.ptp(expected) > 0.1
    assert np.abs(logits - expected).max() < 1e-3
