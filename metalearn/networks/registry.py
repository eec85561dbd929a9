"""Architectures by name."""

from types import MappingProxyType

import torch

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import Architecture, Network, NetworkSpec, Shapes
from metalearn.networks.conv4 import Conv4
from metalearn.networks.ensemble import EnsembleNetwork, EnsembleSpec
from metalearn.networks.resnet10 import ResNet10
from metalearn.networks.resnet18 import ResNet18
from metalearn.networks.torchvision_adapters import (
    TvConvNeXtTiny,
    TvEfficientNetB0,
    TvMobileNetV3Large,
    TvMobileNetV3Small,
    TvResNet18,
    TvResNet50,
)

_ARCHITECTURES = MappingProxyType(
    {
        architecture.name: architecture
        for architecture in (
            Conv4(),
            ResNet10(),
            ResNet18(),
            TvResNet18(),
            TvResNet50(),
            TvMobileNetV3Small(),
            TvMobileNetV3Large(),
            TvEfficientNetB0(),
            TvConvNeXtTiny(),
        )
    }
)


def all_architectures() -> dict[str, Architecture]:
    """Every architecture by its name, in the order in which people should see them."""
    return dict(_ARCHITECTURES)


def get_architecture(name: str) -> Architecture:
    """The architecture of this name; InvalidCheckpoint, naming the known ones, if there is none."""
    if name not in _ARCHITECTURES:
        raise InvalidCheckpoint(
            f"There is no architecture “{name[:60]}”; the known ones are "
            f"{', '.join(_ARCHITECTURES)}."
        )
    return _ARCHITECTURES[name]


def build_network(spec: NetworkSpec) -> Network:
    """A freshly initialised network (global generator; wrap in `torch.random.fork_rng`)."""
    if isinstance(spec, EnsembleSpec):
        members = [build_network(member.network) for member in spec.members]
        return EnsembleNetwork(spec, members)
    return get_architecture(spec.architecture).build(spec)


def expected_shapes(spec: NetworkSpec) -> Shapes:
    """Names and shapes of all tensors of a network's state dict, without allocating them."""
    with torch.device("meta"):
        network = build_network(spec)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
