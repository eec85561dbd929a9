"""The browser's graphs against PyTorch: the same steps, the same numbers."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from metalearn.meta_learner import AdaptationSettings
from metalearn.meta_learner.classifier import Classifier
from metalearn.networks import EnsembleSpec, MemberSpec, NetworkSpec

sys.path.insert(0, str(Path(__file__).parent))
comparing = importlib.import_module("comparing")
steps_by_hand = importlib.import_module("steps_by_hand")
network_of, graphs_of, episode = comparing.network_of, comparing.graphs_of, comparing.episode
farthest = comparing.farthest
assert_double_precision_is_autograds = comparing.assert_double_precision_is_autograds
STANDARD = AdaptationSettings()


CONV4 = NetworkSpec("conv4", 16, 3, 32, 5)


def both_of(
    spec: NetworkSpec, settings: AdaptationSettings, n_way: int, shots: list[int]
) -> tuple[Any, Classifier, np.ndarray, np.ndarray]:
    return comparing.both(network_of(spec), graphs_of(spec), settings, n_way, shots)


@pytest.mark.parametrize("head", ["sgd", "prototypes", "ridge"])
@pytest.mark.parametrize("calibrate", ["none", "statistics", "icfil"])
def test_conv4_adapts_as_in_pytorch(head: str, calibrate: str) -> None:
    # Steps of gradients on an untrained network make roundings grow; other tests take ten.
    steps = 3 if calibrate == "statistics" else STANDARD.inner_steps
    settings = replace(STANDARD, head=head, calibrate=calibrate, inner_steps=steps)
    by_hand, classifier, logits, expected = both_of(CONV4, settings, 5, [5])
    assert farthest(by_hand, classifier) < 1e-3
    # Not by the class that wins: untrained, two of them may lie nearer together than this.
    assert np.abs(logits - expected).max() < 2e-2


@pytest.mark.parametrize("form", ["poster", "cosine"])
def test_both_forms_of_the_contrastive_loss_have_a_graph(form: str) -> None:
    settings = replace(STANDARD, calibrate="icfil", icfil_loss=form)
    if form == "cosine":
        settings = replace(settings, calibration_lr=0.01, calibration_temperature=0.5)
    by_hand, classifier, _, _ = both_of(CONV4, settings, 5, [5])
    assert farthest(by_hand, classifier) < 1e-3
    moved = (
        by_hand.weights["blocks.0.conv.weight"] - network_of(CONV4).blocks[0].conv.weight.numpy()
    )
    assert np.abs(moved).max() > 1e-5


@pytest.mark.parametrize("shots", [[5], [50, 1, 50]])
def test_mixed_statistics_are_pytorchs_also_where_they_come_in_parts(shots: list[int]) -> None:
    settings = replace(STANDARD, calibrate="statistics")
    by_hand, classifier, _, _ = both_of(CONV4, settings, 3, shots)
    own = network_of(CONV4).state_dict()
    for name, value in classifier.network.statistics().items():
        if value.is_floating_point():
            assert np.abs(by_hand.statistics[name] - value.numpy()).max() < 1e-4
            assert (value - own[name]).abs().max() > 1e-3


@pytest.mark.long
@pytest.mark.parametrize(
    ("n_way", "shots"), [(2, [1]), (3, [1, 4, 2]), (20, [1]), (7, [3]), (2, [50]), (4, [40])]
)
def test_any_number_of_classes_and_pictures_fits_the_same_graphs(
    n_way: int, shots: list[int]
) -> None:
    small = NetworkSpec("conv4", 8, 1, 16, 5)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=2, batch_size=64)
    settings = replace(settings, inversion_steps=2, calibration_steps=2)
    by_hand, classifier, logits, expected = both_of(small, settings, n_way, shots)
    assert farthest(by_hand, classifier) < 1e-3
    assert np.abs(logits - expected).max() < 2e-2


@pytest.mark.long
def test_resnet10_adapts_as_in_pytorch() -> None:
    spec = NetworkSpec("resnet10", 8, 3, 21, 5)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=3)
    by_hand, classifier, logits, expected = both_of(spec, settings, 3, [2])
    assert farthest(by_hand, classifier) < 1e-3
    assert np.abs(logits - expected).max() < 1e-3


@pytest.mark.long
def test_torchvisions_resnet_with_its_overlapping_pool_adapts_as_in_pytorch() -> None:
    spec = NetworkSpec("tv_resnet18", 64, 3, 32, 5)
    settings = replace(STANDARD, head="sgd", inner_steps=1, inner_lr=0.001)
    by_hand, classifier, _, _ = both_of(spec, settings, 2, [1])
    assert farthest(by_hand, classifier) < 1e-3


def test_one_query_gets_the_same_answer_alone_as_among_others() -> None:
    network, graphs = network_of(CONV4), graphs_of(CONV4)
    support, labels, queries = episode(5, [5], CONV4, n_query=75)
    for head in ("sgd", "prototypes"):
        settings = replace(STANDARD, head=head, calibrate="icfil")
        run = steps_by_hand.onnxruntime_run(graphs)
        by_hand = steps_by_hand.GraphAdaptation(graphs, network, settings, run)
        by_hand.adapt(support.numpy(), labels)
        together = by_hand.logits(queries.numpy())
        alone = by_hand.logits(queries[40:41].numpy())
        assert np.abs(together[40] - alone[0]).max() < 1e-5


@pytest.mark.long
@pytest.mark.parametrize("architecture", ["conv4", "resnet10"])
def test_in_double_precision_a_step_is_autograds_to_the_last_digits(architecture: str) -> None:
    size = 17 if architecture == "conv4" else 9
    spec = NetworkSpec(architecture, 2, 1, size, 3)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=2)
    settings = replace(settings, inversion_steps=2, calibration_steps=2, pseudo_images=1)
    network = network_of(spec, torch.float64)
    assert_double_precision_is_autograds(network, graphs_of(spec, torch.float64), settings)


def test_no_operator_of_a_graph_is_unknown_to_other_runtimes() -> None:
    operators = {node.op_type for graph in graphs_of(CONV4) for node in graph.model.graph.node}
    domains = {node.domain for graph in graphs_of(CONV4) for node in graph.model.graph.node}
    assert domains == {""}
    assert "ConvTranspose" not in operators
    assert len(operators) < 50


def test_only_steps_with_gradients_ask_where_the_largest_of_a_pool_lay() -> None:
    asks = {
        graph.step.name: {
            len(node.output) for node in graph.model.graph.node if "Pool" in node.op_type
        }
        for graph in graphs_of(CONV4)
    }
    assert asks["logits"] == asks["features"] == asks["compare"] == {1}
    assert asks["sgd"] == asks["contrast"] == {2}


def ensemble_of(sizes: list[int]) -> EnsembleSpec:
    members = [
        MemberSpec(NetworkSpec("conv4", 4 + 2 * n, 3, size, 5), (0.4 + n / 10,) * 3, (0.3,) * 3)
        for n, size in enumerate(sizes)
    ]
    return EnsembleSpec.of(members, n_classes=5)


@pytest.mark.long
@pytest.mark.parametrize("sizes", [[16, 16], [16, 20]])
@pytest.mark.parametrize("head", ["sgd", pytest.param("prototypes", marks=pytest.mark.slow)])
def test_an_ensemble_adapts_as_in_pytorch_also_for_pictures_of_several_sizes(
    head: str, sizes: list[int]
) -> None:
    settings = replace(STANDARD, head=head, calibrate="icfil", inner_steps=3)
    by_hand, classifier, logits, expected = both_of(ensemble_of(sizes), settings, 3, [3])
    assert farthest(by_hand, classifier) < 1e-3
    assert np.abs(logits - expected).max() < 2e-2


@pytest.mark.long
def test_in_double_precision_an_ensemble_for_several_sizes_is_autograds() -> None:
    members = [MemberSpec(NetworkSpec("conv4", 2, 1, size, 3), (0.4,), (0.3,)) for size in (16, 19)]
    spec = EnsembleSpec.of(members, n_classes=3)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=2)
    settings = replace(settings, inversion_steps=2, calibration_steps=2, pseudo_images=1)
    network = network_of(spec, torch.float64)
    assert_double_precision_is_autograds(network, graphs_of(spec, torch.float64), settings)
