from functools import cache, lru_cache
from types import MappingProxyType

from metalearn.errors import InvalidCheckpoint
from metalearn.networks.base import Architecture, Network, NetworkSpec, Shapes, present_name
from metalearn.networks.conv4 import Conv4
from metalearn.networks.ensemble import EnsembleNetwork, EnsembleSpec
from metalearn.networks.index import the_index
from metalearn.networks.libraries import LibraryArchitecture
from metalearn.networks.resnet10 import ResNet10
from metalearn.networks.resnet18 import ResNet18
from metalearn.networks.weightless import without_weights

_OWN = MappingProxyType({kind.name: kind for kind in (Conv4(), ResNet10(), ResNet18())})
_LISTED = tuple(
    f"torchvision/{name}"
    for name in (
        "resnet18",
        "resnet50",
        "mobilenet_v3_small",
        "mobilenet_v3_large",
        "efficientnet_b0",
        "convnext_tiny",
    )
)


def all_architectures() -> dict[str, Architecture]:
    """Return the architectures that a learner can have, in display order."""
    return {**_OWN, **{name: get_architecture(name) for name in _LISTED}}


def get_architecture(name: str) -> Architecture:
    """Return the architecture of this name; raise InvalidCheckpoint if no library has it.

    Names are `timm/NAME`, `torchvision/NAME`, a bare name for our own, or the old `tv_NAME` for
    `torchvision/NAME`.
    """
    return _OWN.get(name) or _of_library(present_name(name))


@cache
def _of_library(name: str) -> Architecture:
    indexed = the_index().by_name.get(name)
    if indexed is None:
        raise InvalidCheckpoint(
            f"There is no architecture “{name[:60]}”; use {', '.join(_OWN)}, or a classifier of "
            "timm or torchvision by its full name, such as timm/resnet18."
        )
    return LibraryArchitecture(indexed.facts)


def build_network(spec: NetworkSpec) -> Network:
    """Return a freshly initialised network, drawn from the global generator."""
    if isinstance(spec, EnsembleSpec):
        members = [build_network(member.network) for member in spec.members]
        return EnsembleNetwork(spec, members)
    return get_architecture(spec.architecture).build(spec)


@lru_cache(maxsize=256)
def expected_shapes(spec: NetworkSpec) -> Shapes:
    """Return names and shapes of a network's state dict, without allocating it."""
    network = build_bare(spec)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    return MappingProxyType(shapes)


def build_bare(spec: NetworkSpec) -> Network:
    """Return a network without weights: parameters on `meta`, other buffers computed."""
    network = without_weights(lambda: build_network(spec))
    assert isinstance(network, Network)
    return network
