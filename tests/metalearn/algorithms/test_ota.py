"""OTA: exact transport, planted permutations undone, networks that stay the same function."""

import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch

from metalearn.algorithm import train
from metalearn.algorithms.ota import Ota
from metalearn.algorithms.ota.transport import (
    ground_cost,
    head_in_order,
    in_order,
    neuron_maps,
    transport_map,
)
from metalearn.algorithms.ota.wiring import wiring_of
from metalearn.errors import InvalidPool
from metalearn.merging.fusion import embedding_state
from metalearn.networks import Network, NetworkSpec, build_network
from metalearn.pool import Pool, Teacher
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")
KINDS = [("conv4", 5), ("resnet10", 4), ("resnet18", 3)]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network_of(architecture: str, width: int, seed: int = 0, image_size: int = 32) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(NetworkSpec(architecture, width, 3, image_size, 3)).eval()
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                for name in ("weight", "bias", "running_mean"):
                    torch.nn.init.normal_(getattr(layer, name), std=0.5)
                layer.get_buffer("running_var").uniform_(0.5, 1.5)
    return network.requires_grad_(False)


def shuffled(network: Network, seed: int) -> Network:
    """The same function with its neurons in another order, group by group, by plain indexing."""
    wiring, rng = wiring_of(network), generator(seed)
    orders = {"image": torch.arange(3)}
    for group in wiring.groups:
        size = len(network.get_parameter(f"{group.found_from[0].conv}.weight"))
        orders[group.name] = torch.randperm(size, generator=rng)
    other = copy.deepcopy(network)
    for layer in wiring.layers:
        out, into = orders[layer.writes], orders[layer.reads]
        conv, norm = other.get_submodule(layer.conv), other.get_submodule(layer.norm)
        conv.weight.copy_(conv.weight[out][:, into])
        tensors = [norm.weight, norm.bias, norm.running_mean, norm.running_var]
        for tensor in [*tensors, *([] if conv.bias is None else [conv.bias])]:
            tensor.copy_(tensor[out])
    order = orders[wiring.features]
    head = other.output_layer
    area = head.in_features // len(order)
    head.weight.copy_(head.weight.view(3, -1, area)[:, order].flatten(1))
    return other


@pytest.mark.parametrize("seed", range(5))
def test_the_transport_is_the_best_of_all_permutations(seed: int) -> None:
    cost = torch.rand(5, 5, generator=generator(seed))
    found = transport_map(cost)
    best = min(itertools.permutations(range(5)), key=lambda order: sum(cost[range(5), list(order)]))
    expected = torch.zeros(5, 5)
    expected[range(5), list(best)] = 1
    assert torch.allclose(found, expected, atol=1e-6)


def test_unlike_numbers_of_neurons_are_shared_out_by_mass() -> None:
    # Two neurons onto three, at distances where the middle one is equally far from both.
    own, anchor = torch.tensor([[0.0], [2.0]]), torch.tensor([[0.0], [1.0], [2.0]])
    expected = torch.tensor([[1, 0.5, 0], [0, 0.5, 1]])
    assert torch.allclose(transport_map((own - anchor.T).square()), expected)


def test_the_ground_cost_is_the_squared_distance_of_incoming_weights() -> None:
    own, anchor = (torch.rand(3, 2, 3, 3, generator=generator(s)) for s in (0, 1))
    cost = ground_cost(own, anchor)
    assert cost[0, 2].item() == pytest.approx(((own[0] - anchor[2]) ** 2).sum().item(), rel=1e-6)
    assert (ground_cost(own, own).diagonal() == 0).all()


@pytest.mark.parametrize(("architecture", "width"), KINDS)
def test_a_planted_order_is_undone_exactly(architecture: str, width: int) -> None:
    anchor = network_of(architecture, width)
    other = shuffled(anchor, seed=3)
    wiring = wiring_of(anchor)
    state, target = embedding_state(other), embedding_state(anchor)
    maps = neuron_maps(wiring, state, target)
    ordered = in_order(wiring, state, maps)
    assert not torch.equal(other.output_layer.weight, anchor.output_layer.weight)
    for name, tensor in target.items():
        assert torch.allclose(ordered[name], tensor, atol=1e-6), name
    head = head_in_order(other.output_layer.weight, maps[wiring.features])
    assert torch.allclose(head, anchor.output_layer.weight, atol=1e-6)


@pytest.mark.parametrize(("architecture", "width"), KINDS)
def test_a_model_put_in_order_is_still_the_same_function(architecture: str, width: int) -> None:
    anchor, other = (network_of(architecture, width, seed) for seed in (0, 1))
    wiring = wiring_of(anchor)
    maps = neuron_maps(wiring, embedding_state(other), embedding_state(anchor))
    assert any((each - torch.eye(len(each))).abs().max() > 0.1 for each in maps.values())
    ordered = copy.deepcopy(other)
    state = in_order(wiring, embedding_state(other), maps)
    state["head.weight"] = head_in_order(other.output_layer.weight, maps[wiring.features])
    ordered.load_state_dict(other.state_dict() | state)
    images = torch.rand(4, 3, 32, 32, generator=generator(2))
    assert torch.allclose(ordered(images), other(images), atol=1e-4)


def teacher(name: str, network: Network, classes: str = "xyz") -> Teacher:
    return Teacher(name, network, (0.5,) * 3, (0.25,) * 3, tuple(classes))


def test_models_that_differ_in_order_alone_average_to_the_anchor() -> None:
    first = network_of("conv4", 5)
    networks = [first, *(shuffled(first, seed) for seed in (1, 2, 3))]
    pool = Pool(tuple(teacher(str(i), network) for i, network in enumerate(networks)))
    settings = {"anchor": "first", "statistics": "merged"}
    run = make_algorithm("ota", pool, settings, device=CPU, seed=0)
    reports = list(train(run))
    assert reports[0].metrics["moved"] == pytest.approx(0, abs=1e-6)
    assert reports[1].metrics["moved"] > 0.1
    assert reports[1].metrics["distance_before"] > reports[1].metrics["distance_after"]
    learner = run.meta_learner().network.state_dict()
    for name, tensor in first.state_dict().items():
        assert torch.allclose(learner[name], tensor, atol=1e-5), name


def test_the_learner_is_the_mean_of_the_models_put_in_order(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool(tuple(make_teacher(name) for name in "abc"))
    settings = {"anchor": "first", "statistics": "merged"}
    run = make_algorithm("ota", pool, settings, device=CPU, seed=0)
    list(train(run))
    wiring, anchor = wiring_of(pool.teachers[0].network), pool.teachers[0].network
    each = []
    for t in pool.teachers:
        state = embedding_state(t.network)
        maps = neuron_maps(wiring, state, embedding_state(anchor))
        each.append(in_order(wiring, state, maps)["blocks.2.conv.weight"])
    found = run.meta_learner().network.state_dict()["blocks.2.conv.weight"]
    assert torch.allclose(found, torch.stack(each).mean(0), atol=1e-6)


def test_the_anchor_is_drawn_unless_the_first_is_asked_for(
    make_teacher: Callable[..., Any],
) -> None:
    pool = Pool(tuple(make_teacher(name) for name in "abcd"))

    def anchor_of(seed: int, **settings: str) -> str:
        run = make_algorithm("ota", pool, settings, device=CPU, seed=seed)
        assert isinstance(run, Ota)
        return run.anchor.name

    assert len({anchor_of(seed) for seed in range(12)}) > 1
    assert anchor_of(1, anchor="first") == "a"


def test_unlike_class_counts_give_a_fresh_head(tiny_pool: Pool) -> None:
    run = make_algorithm("ota", tiny_pool, {"n_way": 4}, device=CPU, seed=0)
    assert isinstance(run, Ota)
    before = run.learner.output_layer.weight.clone()
    assert len(list(train(run))) == 2
    assert torch.equal(run.meta_learner().network.output_layer.weight, before)
    assert len(before) == 4


def test_an_architecture_without_known_wiring_is_refused(make_teacher: Callable[..., Any]) -> None:
    pool = Pool(
        tuple(
            make_teacher(name, architecture="tv_mobilenet_v3_small", width=16, image_size=32)
            for name in "ab"
        )
    )
    with pytest.raises(InvalidPool, match="Conv4.*not those of MobileNetV3"):
        make_algorithm("ota", pool, {}, device=CPU, seed=0)
