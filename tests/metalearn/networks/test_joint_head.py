"""Models with several heads answer with their mean; a network holds that mean as one head."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from metalearn.errors import InvalidCheckpoint
from metalearn.learning.inner_loop import PureNetwork
from metalearn.merging.fusion import embedding_state
from metalearn.networks import Network, NetworkSpec, build_bare, build_network, get_architecture
from metalearn.networks.joint_head import JOINT_HEAD, joined, joined_shapes
from metalearn.networks.libraries import LibraryArchitecture, timm, torchvision_models

# One of each class: tokens of their own, the same features, a norm before each, learned shares.
SEVERAL = [
    "timm/deit_tiny_distilled_patch16_224",
    "timm/pit_ti_distilled_224",
    "timm/crossvit_tiny_240",
    "timm/levit_128s",
    "timm/levit_conv_128s",
    "timm/repvit_m0_9",
    "timm/iformer_m_distilled",
    "timm/efficientformer_l1",
    "timm/efficientformerv2_s0",
    "timm/swiftformer_xs",
    "timm/efficientvim_m1",
    "timm/efficientvim_m1_dist",
]
NOT_LINEAR = ["timm/volo_d1_224", "torchvision/squeezenet1_0", "torchvision/squeezenet1_1"]


def spec_of(name: str, n_classes: int = 4) -> NetworkSpec:
    architecture = get_architecture(name)
    assert isinstance(architecture, LibraryArchitecture)
    size = architecture.facts.image_size
    return NetworkSpec(name, architecture.default_width, 3, size, n_classes)


def library_model(name: str, n_classes: int = 4) -> Any:
    """With numbers everywhere: heads and shares begin with zeros and ones."""
    library, _, builder = name.partition("/")
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        if library == "timm":
            model = timm().create_model(builder, pretrained=False, num_classes=n_classes)
        else:
            model = torchvision_models().get_model(builder, num_classes=n_classes)
        for key, tensor in model.state_dict().items():
            if key.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif tensor.dtype.is_floating_point and tensor.dim() < 3:
                tensor.add_(torch.randn_like(tensor) * 0.1)
    return model.eval()


def network_of(name: str, model: Any) -> Network:
    network = build_bare(spec_of(name)).eval()
    tensors = get_architecture(name).own_tensors(model.state_dict())
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    assert set(tensors) == set(shapes)
    network.load_state_dict({k: t.reshape(shapes[k]) for k, t in tensors.items()}, assign=True)
    return network


def images_for(network: Network, n: int = 2) -> Tensor:
    size = network.spec.image_size
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def assert_close(found: Tensor, expected: Tensor) -> None:
    largest = expected.abs().max()
    torch.testing.assert_close(found / largest, expected / largest, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", SEVERAL)
@torch.no_grad()
def test_one_head_gives_the_logits_that_the_library_takes_from_several(name: str) -> None:
    model = library_model(name)
    network = network_of(name, model)
    images = images_for(network)
    expected, features = model(images), network.embed(images)
    assert expected.std() > 0
    assert_close(network(images), expected)
    assert_close(network.output_layer(features), expected)
    assert features.shape == (2, network.feature_dim)


@torch.no_grad()
def test_a_model_with_several_heads_can_be_trained_and_copied() -> None:
    """In training its library may return a tuple."""
    name = "timm/deit_tiny_distilled_patch16_224"
    network = build_network(spec_of(name))
    images = images_for(network)
    network._model.set_distilled_training(True)
    assert network.train()(images).shape == (2, 4)
    before, other = network.eval()(images), copy.deepcopy(network)
    for parameter in other.parameters():
        parameter.zero_()
    torch.testing.assert_close(network(images), before)
    assert other(images).abs().max() == 0
    moved = {f"{JOINT_HEAD}.bias": network.output_layer.bias + 1}
    torch.testing.assert_close(functional_call(network, moved, (images,)), before + 1)


@pytest.mark.long
@pytest.mark.parametrize("name", NOT_LINEAR)
@torch.no_grad()
def test_a_library_that_adds_something_behind_the_head_keeps_its_logits(name: str) -> None:
    model = library_model(name)
    network = network_of(name, model)
    images = images_for(network)
    assert_close(network(images), model(images))
    assert network.embed(images).shape == (2, network.feature_dim)
    assert (network.output_layer(network.embed(images)) - network(images)).abs().max() > 1e-3


@pytest.mark.long
@pytest.mark.parametrize("name", NOT_LINEAR[:2])
@torch.no_grad()
def test_a_learner_decides_by_a_head_of_any_number_of_classes_on_its_features(name: str) -> None:
    network = network_of(name, library_model(name))
    pure = PureNetwork(network)
    rows = torch.randn(7, network.feature_dim, generator=torch.Generator().manual_seed(0))
    weights = pure.weights() | {pure.head_weight: rows, pure.head_bias: torch.zeros(7)}
    images = images_for(network)
    assert_close(pure.logits(weights, images), network.embed(images) @ rows.T)


@pytest.mark.parametrize("name", ["timm/levit_128s", "timm/convnext_atto"])
@torch.no_grad()
def test_a_learner_reaches_the_norm_beside_a_head(name: str) -> None:
    """Their head is part of a child that is called `head` as well."""
    network = build_network(spec_of(name)).eval()
    pure, images = PureNetwork(network), images_for(network)
    weights = pure.weights()
    assert_close(pure.logits(weights, images), network(images))
    shift = next(key for key in weights if key in {"head.bn.bias", "head.norm.bias"})
    moved = pure.features(weights | {shift: weights[shift] + 1}, images)
    assert (moved - network.embed(images)).max() > 0.9


@pytest.mark.parametrize("name", [SEVERAL[0], NOT_LINEAR[0]])
def test_no_layer_with_a_row_for_each_class_is_left_when_the_head_is_taken_away(name: str) -> None:
    """Models of different classes are averaged without them."""
    few, many = (embedding_state(build_bare(spec_of(name, n))) for n in (3, 9))
    shapes = [{key: tensor.shape for key, tensor in state.items()} for state in (few, many)]
    assert shapes[0] == shapes[1]


def test_the_joint_head_is_the_mean_of_the_heads() -> None:
    one, two = torch.tensor([[2.0, 4.0]]), torch.tensor([[6.0, 8.0]])
    tensors = {
        "body.weight": torch.ones(3),
        "head.weight": one,
        "head.bias": torch.tensor([1.0]),
        "head_dist.weight": two,
        "head_dist.bias": torch.tensor([4.0]),
    }
    apart = joined(tensors, ("head", "head_dist"), 4)
    assert apart["joint_head.weight"].tolist() == [[1, 2, 3, 4]]
    assert apart["joint_head.bias"].tolist() == [2.5]
    assert set(apart) == {"body.weight", "joint_head.weight", "joint_head.bias"}
    same = joined(tensors, ("head", "head_dist"), 2)
    assert same["joint_head.weight"].tolist() == [[4, 6]]


def test_shares_that_a_model_has_learned_count() -> None:
    tensors = {f"heads.{i}.weight": torch.ones(1, 1) for i in range(2)}
    tensors["weights"] = torch.tensor([3.0, 1.0]).log()
    found = joined(tensors, ("heads.0", "heads.1"), 2)["joint_head.weight"]
    torch.testing.assert_close(found, torch.tensor([[0.75, 0.25]]))


def test_heads_of_different_classes_are_refused_with_both_numbers() -> None:
    shapes = {"head.weight": (5, 8), "head_dist.weight": (7, 8)}
    with pytest.raises(InvalidCheckpoint, match="for 5 and 7 classes"):
        joined_shapes(shapes, ("head", "head_dist"), 16)
    with pytest.raises(InvalidCheckpoint, match="takes 8 features"):
        joined_shapes({**shapes, "head_dist.weight": (5, 8)}, ("head", "head_dist"), 24)


@pytest.mark.parametrize("bad", [torch.full((2, 3), torch.nan), torch.ones(2, 3).to(torch.int8)])
def test_what_is_wrong_in_a_head_is_said_under_the_name_in_the_file(bad: Tensor) -> None:
    tensors = {"head.weight": torch.ones(2, 3), "head_dist.weight": bad}
    with pytest.raises(InvalidCheckpoint, match="“head_dist.weight” has values"):
        joined(tensors, ("head", "head_dist"), 6)
