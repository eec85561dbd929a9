"""The browser's graphs against PyTorch: the same steps, the same numbers."""

import importlib
import sys
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from metalearn.browser_graphs import NotForBrowsers, make_graphs
from metalearn.calibration import AdaptedHead, contrastive_step, enlarge_noise, inversion_step
from metalearn.inner_loop import PureNetwork, balanced_targets, sgd_step
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import EnsembleSpec, MemberSpec, NetworkSpec, build_network

sys.path.insert(0, str(Path(__file__).parent))
steps_by_hand = importlib.import_module("steps_by_hand")
STANDARD = AdaptationSettings()


def network_of(spec: NetworkSpec, dtype=torch.float32):
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
def graphs_of(spec: NetworkSpec, dtype=torch.float32):
    return make_graphs(network_of(spec), dtype=dtype)


def episode(n_way: int, shots: list[int], spec: NetworkSpec, n_query: int = 15):
    """Smooth pictures, one colour and one slope a class, with noise."""
    rng = torch.Generator().manual_seed(11)
    counts = (shots * n_way)[:n_way]
    labels = torch.arange(n_way).repeat_interleave(torch.tensor(counts))
    base = torch.randn(n_way, spec.channels, 4, 4, generator=rng)

    def pictures(labels):
        noise = torch.randn(len(labels), spec.channels, 4, 4, generator=rng)
        size = (spec.image_size, spec.image_size)
        return torch.nn.functional.interpolate(base[labels] + noise, size, mode="bicubic").sigmoid()

    queries = torch.arange(n_query) % n_way
    return pictures(labels), labels, pictures(queries)


def both(spec: NetworkSpec, settings: AdaptationSettings, n_way: int, shots: list[int]):
    """Adapted through graphs by onnxruntime, and by PyTorch."""
    network, graphs = network_of(spec), graphs_of(spec)
    support, labels, queries = episode(n_way, shots, spec)
    by_hand = steps_by_hand.GraphAdaptation(
        graphs, network, settings, steps_by_hand.onnxruntime_run(graphs)
    )
    by_hand.adapt(support.numpy(), labels)
    plain = {"mean": [0.0] * spec.channels, "std": [1.0] * spec.channels}
    classifier = MetaLearner(network, **plain).adapt(support, labels, settings=settings)
    expected = classifier.logits(queries)
    return by_hand, classifier, by_hand.logits(queries.numpy()), expected.numpy()


def farthest(by_hand, classifier) -> float:
    return max(
        float(np.abs(by_hand.weights[name] - value.numpy()).max())
        for name, value in classifier.weights.items()
    )


CONV4 = NetworkSpec("conv4", 16, 3, 32, 5)


@pytest.mark.parametrize("head", ["sgd", "prototypes"])
@pytest.mark.parametrize("calibrate", ["none", "icfil"])
def test_conv4_adapts_as_in_pytorch(head, calibrate):
    settings = replace(STANDARD, head=head, calibrate=calibrate)
    by_hand, classifier, logits, expected = both(CONV4, settings, 5, [5])
    assert farthest(by_hand, classifier) < 1e-3
    assert (logits.argmax(1) == expected.argmax(1)).all()
    assert np.abs(logits - expected).max() < 2e-2


@pytest.mark.parametrize(
    ("n_way", "shots"), [(2, [1]), (3, [1, 4, 2]), (20, [1]), (7, [3]), (2, [50]), (4, [40])]
)
def test_any_number_of_classes_and_pictures_fits_the_same_graphs(n_way, shots):
    small = NetworkSpec("conv4", 8, 1, 16, 5)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=2, batch_size=64)
    settings = replace(settings, inversion_steps=2, calibration_steps=2)
    by_hand, classifier, logits, expected = both(small, settings, n_way, shots)
    assert farthest(by_hand, classifier) < 1e-3
    assert np.abs(logits - expected).max() < 2e-2


def test_resnet10_adapts_as_in_pytorch():
    spec = NetworkSpec("resnet10", 8, 3, 21, 5)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=3)
    by_hand, classifier, logits, expected = both(spec, settings, 3, [2])
    assert farthest(by_hand, classifier) < 1e-3
    assert (logits.argmax(1) == expected.argmax(1)).all()


def test_torchvisions_resnet_with_its_overlapping_pool_adapts_as_in_pytorch():
    spec = NetworkSpec("tv_resnet18", 64, 3, 32, 5)
    settings = replace(STANDARD, head="sgd", inner_steps=1, inner_lr=0.001)
    by_hand, classifier, _, _ = both(spec, settings, 2, [1])
    assert farthest(by_hand, classifier) < 1e-3


def test_one_query_gets_the_same_answer_alone_as_among_others():
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


@pytest.mark.parametrize("architecture", ["conv4", "resnet10"])
def test_in_double_precision_a_step_is_autograds_to_the_last_digits(architecture):
    size = 17 if architecture == "conv4" else 9
    spec = NetworkSpec(architecture, 2, 1, size, 3)
    network = network_of(spec, torch.float64)
    graphs = graphs_of(spec, torch.float64)
    settings = replace(STANDARD, head="sgd", calibrate="icfil", inner_steps=2)
    settings = replace(settings, inversion_steps=2, calibration_steps=2, pseudo_images=1)
    run = steps_by_hand.reference_run(graphs)
    by_hand = steps_by_hand.GraphAdaptation(graphs, network, settings, run)
    images, labels, _ = episode(3, [2, 1, 1], spec)
    images = images.double()
    # Ties: every window of a flat picture has four largest values.
    images[0] = 0.25
    expected = stepwise_in_torch(network, images, labels, settings)
    by_hand.adapt(images.numpy(), labels)
    for name, value in expected.items():
        assert np.abs(by_hand.weights[name] - value.numpy()).max() < 1e-12, name


def stepwise_in_torch(network, images, labels, settings):
    pure = PureNetwork(network)
    targets = balanced_targets(labels, 3).double()
    weights = pure.weights()
    for _ in range(settings.inner_steps):
        _, weights = sgd_step(pure, weights, images, targets, lr=settings.inner_lr)
    pseudo_labels = torch.arange(3)
    noise = torch.randn((3, 1, 8, 8), generator=torch.Generator().manual_seed(0)).double()
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


def test_no_operator_of_a_graph_is_unknown_to_other_runtimes():
    operators = {node.op_type for graph in graphs_of(CONV4) for node in graph.model.graph.node}
    domains = {node.domain for graph in graphs_of(CONV4) for node in graph.model.graph.node}
    assert domains == {""}
    assert "ConvTranspose" not in operators
    assert len(operators) < 50


def test_only_steps_with_gradients_ask_where_the_largest_of_a_pool_lay():
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


@pytest.mark.parametrize("head", ["sgd", pytest.param("prototypes", marks=pytest.mark.slow)])
def test_an_ensemble_adapts_as_in_pytorch(head):
    settings = replace(STANDARD, head=head, calibrate="icfil", inner_steps=3)
    by_hand, classifier, logits, expected = both(ensemble_of([16, 16]), settings, 3, [3])
    assert farthest(by_hand, classifier) < 1e-3
    assert np.abs(logits - expected).max() < 2e-2


def test_an_ensemble_for_pictures_of_several_sizes_says_why_it_stays_on_the_server():
    with pytest.raises(NotForBrowsers, match="sizes"):
        make_graphs(build_network(ensemble_of([16, 20])))


def test_a_network_with_grouped_convolutions_says_why_it_stays_on_the_server():
    network = build_network(NetworkSpec("tv_mobilenet_v3_small", 16, 3, 32, 5))
    with pytest.raises(NotForBrowsers):
        make_graphs(network)


def calm(network):
    """With the statistics of pictures, without which deep networks say nothing or infinity."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    spec = network.spec
    with torch.no_grad():
        network.train()(torch.randn(32, spec.channels, spec.image_size, spec.image_size))
    return network.eval().requires_grad_(False)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("architecture", "width"),
    [
        ("tv_mobilenet_v3_small", 16),
        pytest.param("tv_efficientnet_b0", 32, marks=pytest.mark.slow),
        pytest.param("tv_convnext_tiny", 96, marks=pytest.mark.slow),
    ],
)
def test_what_has_no_gradients_in_browsers_compares_with_prototypes_as_in_pytorch(
    architecture, width
):
    spec = NetworkSpec(architecture, width, 3, 32, 5)
    torch.manual_seed(3)
    network = calm(build_network(spec))
    graphs = make_graphs(network, gradients=False)
    assert {graph.step.name for graph in graphs} == {"features", "centroids", "compare"}
    support, labels, queries = episode(3, [2], spec)
    run = steps_by_hand.onnxruntime_run(graphs)
    by_hand = steps_by_hand.GraphAdaptation(graphs, network, STANDARD, run)
    by_hand.adapt(support.numpy(), labels)
    plain = {"mean": [0.0] * 3, "std": [1.0] * 3}
    classifier = MetaLearner(network, **plain).adapt(support, labels, settings=STANDARD)
    found, expected = by_hand.logits(queries.numpy()), classifier.logits(queries).numpy()
    assert np.abs(found - expected).max() < 1e-3
    # Else a network that says the same of everything would pass.
    assert np.ptp(expected) > 0.1
