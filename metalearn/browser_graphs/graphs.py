"""Traces of every adaptation step of a network, converted to graphs."""

import hashlib
from dataclasses import dataclass
from typing import Any

import onnx
import torch
from torch import Tensor, fx, nn
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from metalearn.browser_graphs import operators  # noqa: F401 - registers the rules
from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.browser_graphs.conversion import NotForBrowsers, convert
from metalearn.browser_graphs.sizes import CLASSES, NAMES
from metalearn.browser_graphs.steps import Step, steps_of
from metalearn.learning.inner_loop import PureNetwork
from metalearn.networks import Network
from metalearn.networks.batchnorm import has_batchnorm

MAX_PARAMETERS = 60_000_000
"""A tab has about 2 GB for three copies of the weights and images (docs/benchmarks/browser.md)."""

NEEDED = frozenset({"features", "logits", "centroids", "compare", "head"})
"""Enough to adapt by class means, without gradients; all other graphs may be missing."""

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Graph:
    step: Step
    model: onnx.ModelProto
    inputs: dict[str, list[str | int]]
    outputs: dict[str, list[str | int]]

    def content(self) -> bytes:
        return bytes(self.model.SerializeToString(deterministic=True))

    def description(self, content: bytes) -> dict[str, Any]:
        """Return the graph's entry in browser.json."""
        return {
            "file": f"{self.step.name}.onnx",
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": self.inputs,
            "outputs": self.outputs,
        }


@dataclass(frozen=True)
class NetworkTensors:
    """Names and shapes of a network's tensors; the head has one row per class of the user."""

    extractor: Shapes
    head: Shapes
    statistics: Shapes

    @classmethod
    def of(cls, network: Network) -> "NetworkTensors":
        shapes = {name: tuple(value.shape) for name, value in network.named_parameters()}
        names = (f"{network.head_name}.weight", f"{network.head_name}.bias")
        head = {name: (CLASSES, *shapes.pop(name)[1:]) for name in names}
        unused = tuple(f"{layer}." for layer in network.beside_head)
        shapes = {n: shape for n, shape in shapes.items() if not n.startswith(unused)}
        kept = network.state_dict()
        buffers = {name: value for name, value in network.named_buffers() if name in kept}
        statistics = {n: tuple(b.shape) for n, b in buffers.items() if b.is_floating_point()}
        return cls(shapes, head, statistics)


class Graphs(list[Graph]):
    """The graphs that could be made; `missing` maps each other step's name to the reason."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[str, str] = {}


def make_graphs(network: Network, *, dtype: torch.dtype = torch.float32) -> Graphs:
    """Return the steps' graphs; raise NotForBrowsers if there are too few to adapt and predict."""
    _check(network)
    tensors = NetworkTensors.of(network)
    pure = PureNetwork(network)
    _make_traceable(pure.structure)
    made = Graphs()
    batchnorm = has_batchnorm(network)
    for step in steps_of(network.spec, network.feature_dim, batchnorm=batchnorm):
        try:
            made.append(_graph(step, pure, tensors, dtype))
        except NotForBrowsers as error:
            if step.name in NEEDED:
                raise
            made.missing[step.name] = str(error)
    return made


_WHOLE_MAP = (1, (1, 1), [1, 1])


class _PlainMeans(TorchFunctionMode):
    """Pool whole maps with a mean: PyTorch's own pool rearranges memory."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func.__name__ == "adaptive_avg_pool2d" and args[1] in _WHOLE_MAP:
            return args[0].mean((2, 3), keepdim=True)
        return func(*args, **(kwargs or {}))


def _make_traceable(structure: nn.Module) -> None:
    for module in structure.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]


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
    """Return the operators of a step, forward and backward, and its outputs' shapes by name."""
    weights, statistics = _taken(step, tensors)
    outputs: Shapes = {}

    def flat(*values: Tensor) -> list[Tensor]:
        given = dict(zip((*step.inputs, *weights, *statistics), values, strict=True))
        network = pure.with_statistics({name: given.pop(name) for name in statistics})
        results = step.run(network, {name: given.pop(name) for name in weights}, given)
        outputs.update((name, tuple(value.shape)) for name, value in results.items())
        return list(results.values())

    # Attention in its plain form; the network's constants are not inputs, so not fake.
    attention = sdpa_kernel(SDPBackend.MATH)
    with attention, FakeTensorMode(allow_non_fake_inputs=True), _PlainMeans():
        shapes = (*step.inputs.values(), *weights.values(), *statistics.values())
        fakes = [torch.empty(shape, dtype=dtype) for shape in shapes]
        trace = make_fx(flat)(*fakes)
    return trace, outputs


def _named(shapes: Shapes) -> dict[str, list[str | int]]:
    return {name: [NAMES.get(size, size) for size in shape] for name, shape in shapes.items()}
