"""The wasm runtime in Node against PyTorch: deep networks, memory, lone queries, the example."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import NetworkSpec, build_network
from metalearn.networks.batchnorm import reestimate_statistics
from tests.javascript.node import ROOT, RUNTIME, in_node, needs_node, run_node

pytestmark = [pytest.mark.long, needs_node]
CALIBRATED = AdaptationSettings(head="sgd", calibrate="icfil")


def saved(folder: Path, spec: NetworkSpec) -> MetaLearner:
    torch.manual_seed(0)
    mean, std = (0.0,) * spec.channels, (1.0,) * spec.channels
    learner = MetaLearner(build_network(spec), mean=mean, std=std, defaults=CALIBRATED)
    learner.save(folder / "learner", for_browsers=True)
    return learner


def pictures(n: int, size: int, seed: int) -> Tensor:
    rough = torch.randn(n, 3, 4, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(rough, (size, size), mode="bicubic").sigmoid()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As in the suite: sums in another order differ in their last bits, and those grow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def farthest(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("architecture", ["resnet10", "resnet18"])
def test_residual_networks_are_as_near_to_the_truth_as_pytorchs_own_back_ends(
    tmp_path: Path, architecture: Any, record_property: Any
) -> None:
    """Both back ends err alike, so how far they are from each other says little."""
    learner = saved(tmp_path, NetworkSpec(architecture, 32, 3, 32, 5))
    double = copy.deepcopy(learner.network).double()
    exact = MetaLearner(double, mean=(0.0,) * 3, std=(1.0,) * 3, defaults=CALIBRATED)
    labels = torch.arange(5).repeat_interleave(2)
    episodes = [
        (pictures(10, 32, seed), labels, pictures(15, 32, 50 + seed), CALIBRATED)
        for seed in range(4)
    ]
    own, here = [], []
    answers = in_node(tmp_path, tmp_path / "learner", episodes)
    for (support, _, query, settings), (found, weights, _) in zip(episodes, answers, strict=True):
        usual = learner.adapt(support, labels, settings=settings)
        with torch.backends.mkldnn.flags(enabled=False):
            native = learner.adapt(support, labels, settings=settings)
        truth = exact.adapt(support.double(), labels, settings=settings).weights
        in_wasm = {name: torch.tensor(weights[name]) for name in truth}
        own.append(max(farthest(truth, one.weights) for one in (usual, native)))
        here.append(farthest(truth, in_wasm))
        agree = (found.argmax(1) == usual.probabilities(query).argmax(1).numpy()).mean()
        assert agree >= 0.9
    record_property("own", own)
    record_property("in_wasm", here)
    # Single roundings decide who comes a little nearer on which processor.
    assert max(here) <= 1.5 * max(own)
    assert max(own) < 1e-3


def test_memory_does_not_grow_with_pictures_or_adaptations(tmp_path: Path) -> None:
    saved(tmp_path, NetworkSpec("conv4", 8, 3, 16, 5))
    few = torch.arange(2).repeat_interleave(5)
    many = torch.arange(20).repeat_interleave(50)
    settings = replace(CALIBRATED, inner_steps=2, inversion_steps=1, calibration_steps=2)
    query = pictures(300, 16, 1)
    small = (pictures(10, 16, 0), few, query, settings)
    large = (pictures(1000, 16, 0), many, query, settings)
    heaps = [heap for _, _, heap in in_node(tmp_path, tmp_path / "learner", [small, large] * 3)]
    # What the second of the large ones needed is enough for whatever comes later.
    assert heaps[4:] == [heaps[3]] * 2
    assert heaps[3] < 100_000_000


def test_one_query_gets_in_wasm_the_same_answer_alone_as_among_75(tmp_path: Path) -> None:
    saved(tmp_path, NetworkSpec("conv4", 16, 3, 32, 5))
    labels = torch.arange(5).repeat_interleave(2)
    support, query = pictures(10, 32, 0), pictures(75, 32, 1)
    episodes = [(support, labels, some, CALIBRATED) for some in (query, query[40:41])]
    (together, _, _), (alone, _, _) = in_node(tmp_path, tmp_path / "learner", episodes)
    assert abs(together[40] - alone[0]).max() < 1e-6


def test_the_example_of_the_documentation_tells_red_from_green(tmp_path: Path) -> None:
    saved(tmp_path, NetworkSpec("conv4", 8, 3, 16, 5))
    said = run_node(ROOT / "docs" / "examples" / "adapt.mjs", RUNTIME, tmp_path / "learner")
    assert [line.split()[0] for line in said.splitlines()] == ["red", "green"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("architecture", "width"),
    [
        ("tv_mobilenet_v3_small", 16),
        pytest.param("tv_mobilenet_v3_large", 16, marks=pytest.mark.slow),
        pytest.param("tv_convnext_tiny", 96, marks=pytest.mark.slow),
    ],
)
def test_networks_with_grouped_convolutions_adapt_in_wasm(
    tmp_path: Path, architecture: str, width: int
) -> None:
    torch.manual_seed(0)
    network = build_network(NetworkSpec(architecture, width, 3, 32, 5))
    # Without the statistics of pictures a deep network says infinity.
    reestimate_statistics(network, [pictures(32, 32, 9)])
    learner = MetaLearner(network.eval(), mean=(0.0,) * 3, std=(1.0,) * 3)
    learner.save(tmp_path / "learner", for_browsers=True)
    # At the usual rates a network that learned nothing runs away from its pictures.
    few = replace(CALIBRATED, inner_steps=3, inversion_steps=2, calibration_steps=1)
    careful = replace(few, inner_lr=1e-4, calibration_lr=1e-7)
    tried = (
        replace(careful, calibrate="none"),
        careful,
        replace(careful, head="prototypes"),
        AdaptationSettings(head="prototypes", calibrate="none"),
    )
    labels = torch.arange(5).repeat_interleave(2)
    support, query = pictures(10, 32, 0), pictures(15, 32, 1)
    episodes = [(support, labels, query, settings) for settings in tried]
    answers = in_node(tmp_path, tmp_path / "learner", episodes)
    for settings, (found, weights, heap) in zip(tried, answers, strict=True):
        usual = learner.adapt(support, labels, settings=settings)
        with torch.backends.mkldnn.flags(enabled=False):
            native = learner.adapt(support, labels, settings=settings)
        kept = {name: torch.tensor(weights[name]) for name in weights if name in usual.weights}
        assert kept
        assert heap < 600_000_000
        if settings.calibrate == "none":
            assert farthest(kept, usual.weights) < 1e-5
            assert abs(found - usual.probabilities(query).numpy()).max() < 1e-3
            continue
        # The pixels' gradient is scaled up, and with it what rounding makes of a small one.
        own = farthest(usual.weights, native.weights)
        assert min(farthest(kept, one.weights) for one in (usual, native)) < 3 * own
