"""Graphs keep equal constants once, read the user's sizes at run time, and drop what is unused."""

import numpy as np
import onnx
import torch
from onnx.reference import ReferenceEvaluator

from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.browser_graphs.sizes import CLASSES, IMAGES, PSEUDO, REAL


def test_equal_constants_are_one_and_others_are_not() -> None:
    builder = GraphBuilder(torch.float32)
    assert builder.integers([1, 2]) == builder.integers([1, 2])
    assert builder.number(2.0) != builder.integers([2])
    assert builder.constant(np.zeros(2)) != builder.constant(np.zeros((2, 1)))
    assert len(builder.constants) == 5


def test_sizes_of_the_users_are_those_of_the_inputs() -> None:
    builder = GraphBuilder(torch.float32)
    images = builder.input("images", (IMAGES, 2))
    real, pseudo = builder.input("real", (REAL, 2)), builder.input("pseudo", (PSEUDO, 2))
    both = builder.size(3 * (REAL + PSEUDO))
    mean = builder.node("Div", [images, builder.number(float(IMAGES))])
    outputs = [(both, "both", (1,)), (mean, "mean", (IMAGES, 2))]
    model = builder.model(outputs)
    onnx.checker.check_model(model)
    counts = {images: 4, real: 5, pseudo: 6}
    given = {name: np.ones((n, 2), np.float32) for name, n in counts.items()}
    found, quarter = ReferenceEvaluator(model).run(None, given)
    assert found.tolist() == [33]
    assert quarter.tolist() == [[0.25, 0.25]] * 4


def test_shapes_are_constants_unless_a_size_of_the_users_is_in_them() -> None:
    builder = GraphBuilder(torch.float32)
    builder.input("images", (IMAGES, 2))
    assert builder.shape([3, 4]) == builder.integers([3, 4])
    assert builder.shape([IMAGES, 4]) not in builder.constants


def test_nodes_and_constants_without_use_are_left_out() -> None:
    builder = GraphBuilder(torch.float64)
    images = builder.input("images", (IMAGES, CLASSES))
    builder.node("Add", [images, builder.number(0.5)])
    used = builder.node("Mul", [images, builder.number(2.5)])
    graph = builder.model([(used, "out", (IMAGES, CLASSES))]).graph
    assert [node.op_type for node in graph.node] == ["Mul", "Identity"]
    assert len(graph.initializer) == 1
    dims = graph.output[0].type.tensor_type.shape.dim
    assert [dim.dim_param for dim in dims] == ["images", "classes"]
