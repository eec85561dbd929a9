"""torchvision's networks with grouped convolutions as graphs, next to PyTorch."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from metalearn.browser_graphs import make_graphs
from metalearn.meta_learner import AdaptationSettings
from metalearn.networks import NetworkSpec

sys.path.insert(0, str(Path(__file__).parent))
comparing = importlib.import_module("comparing")

# At the usual rates these networks, which learned nothing, run away from their pictures.
CAREFUL = AdaptationSettings(
    head="sgd",
    calibrate="icfil",
    inner_steps=2,
    inner_lr=1e-4,
    inversion_steps=2,
    calibration_steps=2,
    calibration_lr=1e-4,
    pseudo_images=1,
)
architectures = pytest.mark.parametrize(
    ("architecture", "width", "rate"),
    [
        ("tv_mobilenet_v3_small", 16, 1e-4),
        pytest.param("tv_mobilenet_v3_large", 16, 1e-4, marks=pytest.mark.slow),
        # With more, one that learned nothing runs away from its pictures in PyTorch as well.
        pytest.param("tv_efficientnet_b0", 32, 1e-6, marks=pytest.mark.slow),
        pytest.param("tv_convnext_tiny", 96, 1e-4, marks=pytest.mark.slow),
    ],
)
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@architectures
def test_grouped_networks_adapt_as_in_pytorch_with_either_head(
    architecture: str, width: int, rate: float
) -> None:
    network = comparing.calm_network_of(NetworkSpec(architecture, width, 3, 32, 5))
    graphs = make_graphs(network)
    # The poster's loss is a sum of dot products, which are large where nothing was learned.
    careful = replace(CAREFUL, inner_lr=rate, calibration_lr=rate / 1_000)
    uncalibrated = replace(careful, calibrate="none")
    for settings in (careful, uncalibrated, AdaptationSettings()):
        by_hand, classifier, logits, expected = comparing.both(network, graphs, settings, 3, [2])
        assert comparing.farthest(by_hand, classifier) < 1e-3
        # Else a network that says the same of everything would pass.
        assert np.ptp(expected) > 0.1
        assert np.abs(logits - expected).max() < 0.01 * np.ptp(expected)


@architectures
def test_in_double_precision_grouped_networks_are_autograds(
    architecture: str, width: int, rate: float
) -> None:
    network = comparing.calm_network_of(NetworkSpec(architecture, width, 3, 32, 3), torch.float64)
    graphs = make_graphs(network, dtype=torch.float64)
    careful = replace(CAREFUL, inner_lr=rate, calibration_lr=rate / 1_000)
    one = replace(careful, inner_steps=1, inversion_steps=1, calibration_steps=1)
    comparing.assert_double_precision_is_autograds(network, graphs, one)
