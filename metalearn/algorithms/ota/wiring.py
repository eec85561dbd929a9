"""How the layers of a network hang together: which neurons must keep a common order."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from torch import nn

from metalearn.errors import InvalidPool
from metalearn.networks import Network, get_architecture

IMAGE = "image"
"""The group of the colour channels, whose order is the same for all."""


class Layer(NamedTuple):
    """A convolution and the batch-norm behind it; `reads` and `writes` name groups of neurons."""

    conv: str
    norm: str
    reads: str
    writes: str


class Group(NamedTuple):
    """Neurons with one common order, found from the incoming weights of some of its layers."""

    name: str
    found_from: tuple[Layer, ...]


class Wiring(NamedTuple):
    """Every layer, the groups in the order in which they can be put in order, and the last one."""

    layers: tuple[Layer, ...]
    groups: tuple[Group, ...]
    features: str
    """The group whose neurons (each a map, flattened) are the features."""


def wiring_of(network: Network) -> Wiring:
    """The wiring of a network; InvalidPool for an architecture that is not known here."""
    name = network.spec.architecture
    if name not in _WIRINGS:
        known = ", ".join(get_architecture(kind).title for kind in _WIRINGS)
        raise InvalidPool(
            f"OTA knows how to put in order the neurons of {known}, and not those of "
            f"{get_architecture(name).title}; take models of these or another algorithm."
        )
    return _WIRINGS[name](network)


def _stack(network: Network) -> Wiring:
    """Conv4: each block's neurons have an order of their own."""
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
    """ResNet-10 and 18: what is added together along a stage is one group, its stream.

    A stream's order is found from the layers that write it before anything has read it: the
    stem for the first stage, both ways into its first block for the others. Between the two
    convolutions of a block lies a group of its own.
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
    """The name of each block, and whether its shortcut is a convolution."""
    stages = network.get_submodule("stages")
    for stage, blocks in stages.named_children():
        for index, block in blocks.named_children():
            shortcut = block.get_submodule("shortcut")
            yield f"stages.{stage}.{index}", not isinstance(shortcut, nn.Identity)


_WIRINGS: Mapping[str, Callable[[Network], Wiring]] = MappingProxyType(
    {"conv4": _stack, "resnet10": _residual, "resnet18": _residual}
)
