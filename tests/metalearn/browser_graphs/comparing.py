"""A learner adapted by the browser's graphs and by PyTorch, side by side."""

import importlib
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from metalearn.browser_graphs import make_graphs
from metalearn.browser_graphs.graphs import Graphs
from metalearn.learning.calibration import (
    AdaptedHead,
    contrastive_step,
    enlarge_noise,
    inversion_step,
)
from metalearn.learning.inner_loop import PureNetwork, balanced_targets, sgd_step
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.meta_learner.classifier import Classifier
from metalearn.networks import Network, NetworkSpec, build_network
from metalearn.networks.batchnorm import reestimate_statistics

sys.path.insert(0, str(Path(__file__).parent))
steps_by_hand = importlib.import_module("steps_by_hand")


def network_of(spec: NetworkSpec, dtype: torch.dtype = torch.float32) -> Any:
    """A network whose running statistics are not those of a fresh one."""
    torch.manual_seed(3)
    network = build_network(spec)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data = torch.rand(module.num_features) + 0.5
            module.bias.data = torch.randn(module.num_features) / 5
            module.running_mean = torch.randn(module.num_features) / 5
            module.running_var = torch.rand(module.num_features) + 0.5
    return network.to(dtype).eval().requires_grad_(False)


@lru_cache(maxsize=8)
def graphs_of(spec: NetworkSpec, dtype: torch.dtype = torch.float32) -> Graphs:
    return make_graphs(network_of(spec), dtype=dtype)


def episode(
    n_way: int, shots: list[int], spec: NetworkSpec, n_query: int = 15
) -> tuple[Tensor, Tensor, Tensor]:
    """Smooth pictures, one colour and one slope a class, with noise."""
    rng = torch.Generator().manual_seed(11)
    counts = (shots * n_way)[:n_way]
    labels = torch.arange(n_way).repeat_interleave(torch.tensor(counts))
    base = torch.randn(n_way, spec.channels, 4, 4, generator=rng)

    def pictures(labels: Tensor) -> Tensor:
        noise = torch.randn(len(labels), spec.channels, 4, 4, generator=rng)
        size = (spec.image_size, spec.image_size)
        return torch.nn.functional.interpolate(base[labels] + noise, size, mode="bicubic").sigmoid()

    queries = torch.arange(n_query) % n_way
    return pictures(labels), labels, pictures(queries)


def both(
    network: Any, graphs: Graphs, settings: AdaptationSettings, n_way: int, shots: list[int]
) -> tuple[Any, Classifier, np.ndarray, np.ndarray]:
    """Adapted through graphs by onnxruntime, and by PyTorch; the logits of both."""
    spec = network.spec
    support, labels, queries = episode(n_way, shots, spec)
    by_hand = steps_by_hand.GraphAdaptation(
        graphs, network, settings, steps_by_hand.onnxruntime_run(graphs)
    )
    by_hand.adapt(support.numpy(), labels)
    learner = MetaLearner(network, mean=[0.0] * spec.channels, std=[1.0] * spec.channels)
    classifier = learner.adapt(support, labels, settings=settings)
    expected = classifier.logits(queries)
    return by_hand, classifier, by_hand.logits(queries.numpy()), expected.numpy()


def farthest(by_hand: Any, classifier: Classifier) -> float:
    return max(
        float(np.abs(by_hand.weights[name] - value.numpy()).max())
        for name, value in classifier.weights.items()
    )


def calm_network_of(spec: NetworkSpec, dtype: torch.dtype = torch.float32) -> Network:
    """With the statistics of pictures, without which deep networks say nothing or infinity."""
    torch.manual_seed(3)
    network = build_network(spec)
    pictures = torch.randn(32, spec.channels, spec.image_size, spec.image_size)
    reestimate_statistics(network, [pictures])
    return network.to(dtype).eval().requires_grad_(False)


def assert_double_precision_is_autograds(
    network: Any, graphs: Graphs, settings: AdaptationSettings
) -> None:
    """All steps of an adaptation to three classes, by the reference of the ONNX project."""
    by_hand = steps_by_hand.GraphAdaptation(
        graphs, network, settings, steps_by_hand.reference_run(graphs)
    )
    images, labels, _ = episode(3, [2, 1, 1], network.spec)
    images = images.double()
    # Ties: every window of a flat picture has four largest values.
    images[0] = 0.25
    expected = stepwise_in_torch(network, images, labels, settings)
    by_hand.adapt(images.numpy(), labels)
    for name, value in expected.items():
        assert np.abs(by_hand.weights[name] - value.numpy()).max() < 1e-12, name


def stepwise_in_torch(
    network: Any, images: Tensor, labels: Tensor, settings: AdaptationSettings
) -> dict[str, Tensor]:
    pure = PureNetwork(network)
    targets = balanced_targets(labels, 3).double()
    weights = pure.weights()
    for _ in range(settings.inner_steps):
        _, weights = sgd_step(pure, weights, images, targets, lr=settings.inner_lr)
    pseudo_labels = torch.arange(3)
    noise = torch.randn(
        (3, network.spec.channels, 8, 8), generator=torch.Generator().manual_seed(0)
    ).double()
    pseudo = enlarge_noise(noise, network.spec.image_size)
    for _ in range(settings.inversion_steps):
        _, pseudo = inversion_step(
            pure,
            weights,
            pseudo,
            torch.eye(3).double(),
            head=AdaptedHead(None, 1.0),
            lr=settings.inversion_lr,
        )
    for _ in range(settings.calibration_steps):
        _, weights = contrastive_step(
            pure,
            weights,
            (images, labels),
            (pseudo, pseudo_labels),
            temperature=settings.calibration_temperature,
            lr=settings.calibration_lr,
        )
    return weights
