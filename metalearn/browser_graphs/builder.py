"""Construction of ONNX graphs: nodes, constants, and sizes known only at run time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from metalearn.browser_graphs.sizes import NAMES, SUMS, factors, is_dynamic

OPSET = 18
IR_VERSION = 10
ONNX_TYPES = {
    torch.float32: TensorProto.FLOAT,
    torch.float64: TensorProto.DOUBLE,
    torch.int64: TensorProto.INT64,
    torch.bool: TensorProto.BOOL,
}
Array = npt.NDArray[Any]


class GraphBuilder:
    """A graph under construction. Values are names; methods return the name of the new value."""

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.inputs: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._dimensions: dict[int, str] = {}

    def input(self, name: str, shape: Sequence[int]) -> str:
        """Add an input; sizes that depend on the user's pictures become named dimensions."""
        dims = [NAMES.get(size, size) for size in shape]
        self.inputs.append(helper.make_tensor_value_info(name, ONNX_TYPES[self.dtype], dims))
        for axis, size in enumerate(shape):
            if size in NAMES and size not in self._dimensions:
                whole = self.node("Shape", [name], start=axis, end=axis + 1)
                self._dimensions[size] = whole
        return name

    def node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        return self.node_of(operator, inputs, 1, **attributes)[0]

    def node_of(
        self, operator: str, inputs: Sequence[str], n_outputs: int, **attributes: Any
    ) -> tuple[str, ...]:
        first = len(self.nodes)
        names = tuple(f"v{first}_{index}" for index in range(n_outputs))
        self.nodes.append(helper.make_node(operator, list(inputs), list(names), **attributes))
        return names

    def constant(self, values: Array) -> str:
        """Add a constant tensor; equal ones are stored once."""
        values = np.asarray(values, order="C")
        key = (str(values.dtype), values.shape, values.tobytes())
        if key not in self._known:
            name = f"c{len(self._known)}"
            self._known[key] = name
            self.constants[name] = numpy_helper.from_array(values, name)
        return self._known[key]

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def number(self, value: float) -> str:
        """Return a scalar of the graph's float type; dynamic counts are read at run time."""
        if float(value).is_integer() and is_dynamic(int(value)):
            size = self.node("Cast", [self.size(int(value))], to=ONNX_TYPES[self.dtype])
            return self.node("Squeeze", [size])
        return self.constant(np.array(value, dtype=self.numpy_dtype))

    @property
    def numpy_dtype(self) -> type[np.float32] | type[np.float64]:
        return np.float64 if self.dtype == torch.float64 else np.float32

    def size(self, number: int) -> str:
        """Return a size as a vector with one integer."""
        dynamic, plain = factors(number)
        if not dynamic:
            return self.integers([number])
        parts = [self._dimension(size) for size in dynamic]
        parts += [self.integers([plain])] if plain != 1 else []
        product = parts[0]
        for part in parts[1:]:
            product = self.node("Mul", [product, part])
        return product

    def shape(self, sizes: Sequence[int]) -> str:
        if not any(is_dynamic(size) for size in sizes):
            return self.integers(sizes)
        return self.node("Concat", [self.size(size) for size in sizes], axis=0)

    def _dimension(self, size: int) -> str:
        if size not in self._dimensions:
            first, second = (self._dimension(part) for part in SUMS[size])
            self._dimensions[size] = self.node("Add", [first, second])
        return self._dimensions[size]

    def model(self, outputs: Sequence[tuple[str, str, Sequence[int]]]) -> onnx.ModelProto:
        """Return the finished model without unused nodes; `outputs` are (value, name, shape)."""
        for value, name, _ in outputs:
            self.nodes.append(helper.make_node("Identity", [value], [name]))
        nodes, used = _needed(self.nodes, {name for _, name, _ in outputs})
        results = [
            helper.make_tensor_value_info(
                name, ONNX_TYPES[self.dtype], [NAMES.get(size, size) for size in shape]
            )
            for _, name, shape in outputs
        ]
        constants = [tensor for name, tensor in self.constants.items() if name in used]
        graph = helper.make_graph(nodes, "step", self.inputs, results, constants)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="freehold"
        )


def _needed(nodes: list[onnx.NodeProto], wanted: set[str]) -> tuple[list[onnx.NodeProto], set[str]]:
    used, kept = set(wanted), []
    for node in reversed(nodes):
        if used.intersection(node.output):
            _leave_out(node, used)
            kept.append(node)
            used.update(node.input)
    return kept[::-1], used


def _leave_out(node: onnx.NodeProto, used: set[str]) -> None:
    """Drop unused pooling indices: an output for them makes runtimes take a slow path."""
    if node.op_type == "MaxPool" and node.output[-1] not in used:
        del node.output[1:]
