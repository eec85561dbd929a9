"""An ensemble's features are those of its members, each prepared in its own way."""

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from metalearn.learning.inner_loop import PureNetwork
from metalearn.networks import (
    EnsembleNetwork,
    EnsembleSpec,
    MemberSpec,
    NetworkSpec,
    build_network,
    expected_shapes,
    get_architecture,
)

MEMBERS = (
    MemberSpec(NetworkSpec("conv4", 4, 3, 16, 3), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)),
    MemberSpec(NetworkSpec("resnet10", 2, 3, 24, 5), (0.1, 0.2, 0.3), (0.5, 0.5, 0.5)),
)
SPEC = EnsembleSpec.of(MEMBERS, n_classes=4)


@pytest.fixture
def network() -> EnsembleNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = build_network(SPEC).eval()
    assert isinstance(built, EnsembleNetwork)
    return built


def test_the_spec_sums_its_members_up() -> None:
    assert (SPEC.width, SPEC.channels, SPEC.image_size, SPEC.n_classes) == (2, 3, 24, 4)
    assert SPEC.as_dict()["members"][1]["architecture"] == "resnet10"


def test_features_are_unit_vectors_of_the_members_side_by_side(network: EnsembleNetwork) -> None:
    images = torch.rand(5, 3, 24, 24, generator=torch.Generator().manual_seed(1))
    features = network.embed(images)
    assert features.shape == (5, network.feature_dim) == (5, 4 + 16)
    for part, member, own in zip(
        features.split([4, 16], dim=1), MEMBERS, network.members, strict=True
    ):
        size = member.network.image_size
        shown = F.interpolate(images, size=(size, size), mode="bilinear", antialias=True)
        mean, std = (torch.tensor(row).view(1, 3, 1, 1) for row in (member.mean, member.std))
        expected = own.embed((shown - mean) / std)
        expected = expected / expected.square().sum(1, keepdim=True).sqrt()
        assert torch.allclose(part, expected, atol=1e-5)


def test_the_cosine_of_two_pictures_is_the_mean_of_the_members_cosines(
    network: EnsembleNetwork,
) -> None:
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    features = network.embed(images)
    parts = features.split([4, 16], dim=1)
    mean = sum((part[0] @ part[1]) / (part[0].norm() * part[1].norm()) for part in parts) / 2
    assert torch.allclose(F.cosine_similarity(features[0], features[1], dim=0), mean, atol=1e-6)


def test_a_member_with_more_say_counts_more_in_the_cosine(network: EnsembleNetwork) -> None:
    louder = (MEMBERS[0], replace(MEMBERS[1], say=3.0))
    members: list[Any] = list(network.members)
    joint = EnsembleNetwork(EnsembleSpec.of(louder, n_classes=4), members).eval()
    images = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(2))
    parts = network.embed(images).split([4, 16], dim=1)
    first, second = (part[0] @ part[1] for part in parts)  # unit vectors
    features = joint.embed(images)
    cosine = F.cosine_similarity(features[0], features[1], dim=0)
    assert torch.allclose(cosine, (first + 3 * second) / 4, atol=1e-6)


def test_the_head_starts_at_zero_and_every_tensor_is_expected(network: EnsembleNetwork) -> None:
    assert (network(torch.rand(2, 3, 16, 16)) == 0).all()
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes == expected_shapes(SPEC)


def test_a_member_whose_child_called_head_holds_more_than_the_head_can_be_adapted() -> None:
    # ConvNeXt of timm: a norm, and the linear layer behind it.
    members = []
    for architecture, width in (("timm/test_convnext", 64), ("conv4", 4)):
        kind = get_architecture(architecture)
        spec = NetworkSpec(architecture, width or kind.default_width, 3, 32, 3)
        members.append(kind.build(spec).eval())
    specs = [MemberSpec(member.spec, (0.5,) * 3, (0.25,) * 3) for member in members]
    joint = EnsembleNetwork(EnsembleSpec.of(specs, n_classes=2), members).eval()
    pure, images = PureNetwork(joint), torch.rand(2, 3, 32, 32)
    assert torch.allclose(pure.features(pure.weights(), images), joint.embed(images), atol=1e-6)
