"""A file's tensors become exactly those of the network that they were recognised as."""

import torch
from torch import Tensor

from metalearn.checkpoint.assembling import assemble
from metalearn.checkpoint.matching import Match
from metalearn.networks import NetworkSpec, expected_shapes
from tests.metalearn.checkpoint.honest import SPECS, State, state_of


def match_of(n_outputs: int, names: dict[str, str]) -> Match:
    spec = NetworkSpec("conv4", 8, 3, 32, n_outputs)
    return Match(spec, names, (), ("conv4",))


def assembled(state: State, n_outputs: int, names: dict[str, str]) -> tuple[NetworkSpec, State]:
    spec, tensors = assemble(match_of(n_outputs, names), state)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    assert shapes.items() <= expected_shapes(spec).items()
    return spec, tensors


def own_names(state: State) -> dict[str, str]:
    return {name: f"backbone.{name}" for name in state}


def test_tensors_get_the_networks_names() -> None:
    state = state_of(SPECS[0])
    names = own_names(state)
    file: dict[str, Tensor] = {theirs: state[name] for name, theirs in names.items()}
    spec, tensors = assembled(file, 5, names)
    assert spec == SPECS[0]
    assert all(torch.equal(tensors[name], state[name]) for name in state)


def test_one_output_becomes_two_of_which_the_first_is_zero() -> None:
    state = state_of(SPECS[0])
    weight = state["head.weight"][:1]
    state |= {"head.weight": weight, "head.bias": torch.ones(1)}
    spec, tensors = assembled(state, 1, {name: name for name in state})
    assert spec.n_classes == 2
    assert torch.equal(tensors["head.weight"], torch.cat([torch.zeros_like(weight), weight]))
    assert tensors["head.bias"].tolist() == [0, 1]


def test_a_head_without_bias_gets_zeros_of_its_own_kind() -> None:
    state = {name: t.half() for name, t in state_of(SPECS[0]).items() if t.is_floating_point()}
    del state["head.bias"]
    _, tensors = assembled(state, 5, {name: name for name in state})
    assert tensors["head.bias"].tolist() == [0] * 5
    assert tensors["head.bias"].dtype == torch.float16


def test_averaged_counters_are_whole_again_and_pointwise_convolutions_linear() -> None:
    state = state_of(SPECS[0])
    counter = "blocks.0.norm.num_batches_tracked"
    state |= {counter: torch.tensor(6.7), "head.weight": state["head.weight"][..., None, None]}
    _, tensors = assembled(state, 5, {name: name for name in state})
    assert tensors[counter].item() == 7 and tensors[counter].dtype == torch.int64
    assert tensors["head.weight"].dim() == 2
