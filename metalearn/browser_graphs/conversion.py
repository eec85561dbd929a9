"""Conversion of a trace of ATen operators to an ONNX graph, by one rule per operator."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, fx

from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.errors import MetaLearnError


class NotForBrowsers(MetaLearnError):
    """The network cannot be converted to graphs; the server can still adapt it."""


@dataclass
class Call:
    """One operator of the trace: its arguments, with value names in place of tensors."""

    builder: GraphBuilder
    operator: str
    arguments: tuple[Any, ...]
    shapes: tuple[tuple[int, ...] | None, ...]
    """Shapes of the arguments that are tensors."""
    result: Any
    """The fake tensor, or tuple of them, that the operator returned."""
    keywords: dict[str, Any] = field(default_factory=dict)
    changed: dict[int, str] = field(default_factory=dict)
    """New values of arguments that the operator changes in place."""

    def get(self, index: int, default: Any = None) -> Any:
        """Return an argument, or `default` if the trace leaves it out."""
        return self.arguments[index] if index < len(self.arguments) else default

    def shape(self, index: int) -> tuple[int, ...]:
        shape = self.shapes[index]
        assert shape is not None
        return shape

    @property
    def result_shape(self) -> tuple[int, ...]:
        return tuple(self.result.shape)


Value = str | tuple[str | None, ...] | None
Rule = Callable[[Call], Value]
_RULES: dict[str, Rule] = {}
_STRETCHING: set[str] = set()


def rule(*operators: str, stretches: bool = False) -> Callable[[Rule], Rule]:
    """Register how operators, by names such as `mul.Tensor`, become nodes.

    With `stretches` the nodes broadcast their inputs, so expanded inputs need not be materialised.
    """

    def register(function: Rule) -> Rule:
        _RULES.update(dict.fromkeys(operators, function))
        if stretches:
            _STRETCHING.update(operators)
        return function

    return register


def convert(trace: fx.GraphModule, names: list[str], builder: GraphBuilder) -> list[str]:
    """Add a trace to the graph and return its results' values; `names` are its inputs' names."""
    return _Conversion(builder, names).run(trace)


class _Conversion:
    def __init__(self, builder: GraphBuilder, names: list[str]) -> None:
        self.builder = builder
        self.names = iter(names)
        self.values: dict[fx.Node, Any] = {}
        self.sizes: dict[str, tuple[int, ...]] = {}
        """Shapes of values that are smaller than in the trace, until they are broadcast."""

    def run(self, trace: fx.GraphModule) -> list[str]:
        for node in trace.graph.nodes:
            if node.op == "placeholder":
                shape = tuple(node.meta["val"].shape)
                self.values[node] = self.builder.input(next(self.names), shape)
            elif node.op == "call_function" and (node.users or _changes_its_input(node)):
                self.values[node] = self._value(node)
            elif node.op == "output":
                return [self._whole(result) for result in _flat(node.args[0])]
            elif node.op == "get_attr":
                # Constants of the network, such as the means of an ensemble's members.
                self.values[node] = self.builder.constant(getattr(trace, str(node.target)).numpy())
        raise AssertionError("a trace has an output")

    def _value(self, node: fx.Node) -> Value:
        name = str(node.target).removeprefix("aten.")
        if name == "<built-in function getitem>":
            source, index = node.args
            part: Value = self.values[source][index]  # type: ignore[index]
            return part
        if name not in _RULES:
            raise NotForBrowsers(
                f"Browsers have no operator for “{name.removesuffix('.default')}”."
            )
        stretches = name in _STRETCHING
        call = self._call(node, stretches=stretches)
        result = _RULES[name](call)
        if stretches and isinstance(result, str):
            self.sizes[result] = self._stretched(node)
        if _changes_its_input(node):
            call.changed[0] = str(result)
        for index, value in call.changed.items():
            # Later operators may read the changed argument itself.
            argument = node.args[index]
            assert isinstance(argument, fx.Node)
            self.values[argument] = value
        return result

    def _call(self, node: fx.Node, *, stretches: bool) -> Call:
        def name(argument: Any) -> Any:
            if isinstance(argument, fx.Node):
                return self.values[argument] if stretches else self._whole(argument)
            return [name(one) for one in argument] if isinstance(argument, list) else argument

        fakes = [arg.meta.get("val") if isinstance(arg, fx.Node) else None for arg in node.args]
        return Call(
            builder=self.builder,
            operator=str(node.target).removeprefix("aten."),
            arguments=tuple(name(argument) for argument in node.args),
            shapes=tuple(tuple(f.shape) if isinstance(f, Tensor) else None for f in fakes),
            result=node.meta.get("val"),
            keywords=dict(node.kwargs),
        )

    def _size(self, node: fx.Node) -> tuple[int, ...]:
        value = self.values[node]
        return self.sizes.get(value, tuple(node.meta["val"].shape))

    def _stretched(self, node: fx.Node) -> tuple[int, ...]:
        if str(node.target) in _EMPTY_SIZED:
            return ()
        first = node.args[0]
        if str(node.target) == "aten.expand.default" and isinstance(first, fx.Node):
            return self._size(first)
        sizes = [self._size(arg) for arg in node.args if isinstance(arg, fx.Node)]
        return np.broadcast_shapes(*sizes)

    def _whole(self, node: fx.Node) -> Any:
        value = self.values[node]
        fake = node.meta.get("val")
        if not isinstance(value, str) or not isinstance(fake, Tensor):
            return value
        if self._size(node) == tuple(fake.shape):
            return value
        return self.builder.node("Expand", [value, self.builder.shape(tuple(fake.shape))])


def _changes_its_input(node: fx.Node) -> bool:
    return str(node.target).split(".")[-2:][0].endswith("_")


_EMPTY_SIZED = {
    f"aten.{name}.default"
    for name in ("full", "ones_like", "zeros_like", "full_like", "zeros", "new_zeros")
}


def _flat(results: Any) -> list[fx.Node]:
    return list(results) if isinstance(results, (list, tuple)) else [results]
