"""Connections between a network's layers: which neurons must share an order."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import nn

from metalearn.errors import InvalidPool
from metalearn.networks import Network, get_architecture

IMAGE = "image"


class Layer(NamedTuple):
    """A convolution and its batch-norm; `reads` and `writes` name groups of neurons."""

    conv: str
    norm: str
    reads: str
    writes: str


class Group(NamedTuple):
    """Neurons with a common order, determined by the incoming weights of `found_from`."""

    name: str
    found_from: tuple[Layer, ...]


class Wiring(NamedTuple):
    """A network's layers, and its groups in the order in which they can be aligned."""

    layers: tuple[Layer, ...]
    groups: tuple[Group, ...]
    features: str
    """The group whose neurons (each a map, flattened) are the features."""


def wiring_of(network: Network) -> Wiring:
    """Return a network's wiring. Raises InvalidPool for unsupported architectures."""
    name = network.spec.architecture
    if name not in _WIRINGS:
        known = ", ".join(get_architecture(kind).title for kind in _WIRINGS)
        raise InvalidPool(
            f"OTA can align the neurons of {known}, but not those of "
            f"{get_architecture(name).title}; use models of these or another algorithm."
        )
    return _WIRINGS[name](network)


def _stack(network: Network) -> Wiring:
    blocks = network.get_submodule("blocks")
    assert isinstance(blocks, nn.Sequential)
    layers = []
    reads = IMAGE
    for index in range(len(blocks)):
        writes = f"block {index}"
        layers.append(Layer(f"blocks.{index}.conv", f"blocks.{index}.norm", reads, writes))
        reads = writes
    groups = tuple(Group(layer.writes, (layer,)) for layer in layers)
    return Wiring(tuple(layers), groups, reads)


def _residual(network: Network) -> Wiring:
    """Return the wiring of a ResNet: the maps added along a stage form one group, its stream.

    A stream's order is determined by the layers that write it before anything reads it: the stem
    for the first stage, both paths into its first block for the others. The neurons between the two
    convolutions of a block form another group.
    """
    layers = [Layer("stem.conv", "stem.norm", IMAGE, "stream 0")]
    groups = [Group("stream 0", (layers[0],))]
    stream = "stream 0"
    for name, changes in _blocks(network):
        inner, before = f"inside {name}", stream
        if changes:
            stream = f"stream of {name}"
        first = Layer(f"{name}.conv1", f"{name}.norm1", before, inner)
        second = Layer(f"{name}.conv2", f"{name}.norm2", inner, stream)
        layers += [first, second]
        groups.append(Group(inner, (first,)))
        if changes:
            shortcut = f"{name}.shortcut"
            layers.append(Layer(f"{shortcut}.conv", f"{shortcut}.norm", before, stream))
            groups.append(Group(stream, (second, layers[-1])))
    return Wiring(tuple(layers), tuple(groups), stream)


def _blocks(network: Network) -> Iterator[tuple[str, bool]]:
    """Yield the name of each block, and whether its shortcut is a convolution."""
    stages = network.get_submodule("stages")
    for stage, blocks in stages.named_children():
        for index, block in blocks.named_children():
            shortcut = block.get_submodule("shortcut")
            yield f"stages.{stage}.{index}", not isinstance(shortcut, nn.Identity)


_WIRINGS: Mapping[str, Callable[[Network], Wiring]] = MappingProxyType(
    {"conv4": _stack, "resnet10": _residual, "resnet18": _residual}
)
