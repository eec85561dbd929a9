"""Traces every step of a network's adaptation and makes a graph of it."""

import hashlib
from dataclasses import dataclass
from typing import Any

import onnx
import torch
from torch import Tensor, fx, nn
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from metalearn.batchnorm import has_batchnorm
from metalearn.browser_graphs import operators  # noqa: F401 - registers the rules
from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.browser_graphs.conversion import NotForBrowsers, convert
from metalearn.browser_graphs.sizes import CLASSES, NAMES
from metalearn.browser_graphs.steps import Step, steps_of
from metalearn.inner_loop import PureNetwork
from metalearn.networks import Network

MAX_PARAMETERS = 60_000_000
"""A tab of a browser has about 2 GB; weights are held three times, images come on top."""

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Graph:
    """One finished graph."""

    step: Step
    model: onnx.ModelProto
    inputs: dict[str, list[str | int]]
    outputs: dict[str, list[str | int]]

    def content(self) -> bytes:
        """The file."""
        return bytes(self.model.SerializeToString(deterministic=True))

    def description(self, content: bytes) -> dict[str, Any]:
        """What browser.json says of it."""
        return {
            "file": f"{self.step.name}.onnx",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": self.inputs,
            "outputs": self.outputs,
        }


@dataclass(frozen=True)
class NetworkTensors:
    """Names and shapes of what a network holds; its head has as many rows as the user classes."""

    extractor: Shapes
    head: Shapes
    statistics: Shapes

    @classmethod
    def of(cls, network: Network) -> "NetworkTensors":
        """Read them from a network."""
        shapes = {name: tuple(value.shape) for name, value in network.named_parameters()}
        names = (f"{network.head_name}.weight", f"{network.head_name}.bias")
        head = {name: (CLASSES, *shapes.pop(name)[1:]) for name in names}
        buffers = {name: value for name, value in network.named_buffers()}
        statistics = {n: tuple(b.shape) for n, b in buffers.items() if b.is_floating_point()}
        return cls(shapes, head, statistics)


def make_graphs(network: Network, *, dtype: torch.dtype = torch.float32) -> list[Graph]:
    """Every graph of the network's adaptation; NotForBrowsers says why there can be none."""
    _check(network)
    tensors = NetworkTensors.of(network)
    pure = PureNetwork(network)
    _make_traceable(pure.structure)
    steps = steps_of(network.spec, network.feature_dim, batchnorm=has_batchnorm(network))
    return [_graph(step, pure, tensors, dtype) for step in steps]


class _Mean(nn.Module):
    """Mean over the map, as `AdaptiveAvgPool2d(1)`, which plays with the order of memory."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3), keepdim=True)


def _make_traceable(structure: nn.Module) -> None:
    """Put layers (in place) that only make new values for others of the same numbers."""
    for module in list(structure.modules()):
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child.output_size in (1, (1, 1)):
                setattr(module, name, _Mean())


def _check(network: Network) -> None:
    parameters = sum(value.numel() for value in network.parameters())
    if parameters > MAX_PARAMETERS:
        raise NotForBrowsers(f"{parameters:,} weights are too many for a browser.")


def _graph(step: Step, pure: PureNetwork, tensors: NetworkTensors, dtype: torch.dtype) -> Graph:
    weights, statistics = _taken(step, tensors)
    inputs = {**step.inputs, **weights, **statistics}
    trace, outputs = trace_step(step, pure, tensors, dtype)
    builder = GraphBuilder(dtype)
    values = convert(trace, list(inputs), builder)
    results = [(value, *output) for value, output in zip(values, outputs.items(), strict=True)]
    return Graph(step, builder.model(results), _named(inputs), _named(outputs))


def _taken(step: Step, tensors: NetworkTensors) -> tuple[Shapes, Shapes]:
    if step.takes == "none":
        return {}, {}
    head = tensors.head if step.takes == "all" else {}
    return {**tensors.extractor, **head}, tensors.statistics


def trace_step(
    step: Step, pure: PureNetwork, tensors: NetworkTensors, dtype: torch.dtype
) -> tuple[fx.GraphModule, Shapes]:
    """The operators of a step, forward and backward, and its outputs' shapes by name."""
    weights, statistics = _taken(step, tensors)
    outputs: Shapes = {}

    def flat(*values: Tensor) -> list[Tensor]:
        given = dict(zip((*step.inputs, *weights, *statistics), values, strict=True))
        network = pure.with_statistics({name: given.pop(name) for name in statistics})
        results = step.run(network, {name: given.pop(name) for name in weights}, given)
        outputs.update((name, tuple(value.shape)) for name, value in results.items())
        return list(results.values())

    with FakeTensorMode():
        shapes = (*step.inputs.values(), *weights.values(), *statistics.values())
        fakes = [torch.empty(shape, dtype=dtype) for shape in shapes]
        trace = make_fx(flat)(*fakes)
    return trace, outputs


def _named(shapes: Shapes) -> dict[str, list[str | int]]:
    return {name: [NAMES.get(size, size) for size in shape] for name, shape in shapes.items()}
