"""Rules for activations and their gradients."""

import math

import numpy as np

from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.browser_graphs.conversion import Call, rule


def _gate(builder: GraphBuilder, value: str) -> str:
    # Not HardSigmoid, whose slope is an attribute in single precision.
    line = _line(builder, value, 1 / 6)
    return builder.node("Clip", [line, builder.number(0), builder.number(1)])


def _line(builder: GraphBuilder, value: str, slope: float) -> str:
    sloped = builder.node("Mul", [value, builder.number(slope)])
    return builder.node("Add", [sloped, builder.number(0.5)])


def _below(builder: GraphBuilder, value: str, limit: float) -> str:
    return builder.node("Less", [value, builder.number(limit)])


@rule("hardswish.default", "hardswish_.default", stretches=True)
def hard_swish(call: Call) -> str:
    value = call.arguments[0]
    return call.builder.node("Mul", [value, _gate(call.builder, value)])


@rule("hardswish_backward.default", stretches=True)
def hard_swish_backward(call: Call) -> str:
    """Use the slope x / 3 + 1/2 from -3 to 3, 0 below and 1 above."""
    builder = call.builder
    gradient, value = call.arguments[:2]
    inside = _line(builder, value, 1 / 3)
    right = builder.node("Where", [_below(builder, value, 3), inside, builder.number(1)])
    positive = builder.node("Greater", [value, builder.number(-3)])
    slope = builder.node("Where", [positive, right, builder.number(0)])
    return builder.node("Mul", [gradient, slope])


@rule("hardsigmoid.default", "hardsigmoid_.default", stretches=True)
def hard_sigmoid(call: Call) -> str:
    return _gate(call.builder, call.arguments[0])


@rule("hardsigmoid_backward.default", stretches=True)
def hard_sigmoid_backward(call: Call) -> str:
    """Pass a sixth of the gradient between -3 and 3; PyTorch stores 1/6 in single precision."""
    builder = call.builder
    gradient, value = call.arguments[:2]
    inside = _below(builder, builder.node("Abs", [value]), 3)
    sixth = builder.node("Mul", [gradient, builder.number(float(np.float32(1 / 6)))])
    return builder.node("Where", [inside, sixth, builder.number(0)])


@rule("hardtanh.default", "hardtanh_.default", stretches=True)
def hard_tanh(call: Call) -> str:
    limits = [call.builder.number(limit) for limit in (call.get(1, -1), call.get(2, 1))]
    return call.builder.node("Clip", [call.arguments[0], *limits])


@rule("hardtanh_backward.default", stretches=True)
def hard_tanh_backward(call: Call) -> str:
    """Pass the gradient strictly between the two limits."""
    builder = call.builder
    gradient, value, low, high = call.arguments[:4]
    above = builder.node("Greater", [value, builder.number(low)])
    inside = builder.node("And", [above, _below(builder, value, high)])
    return builder.node("Where", [inside, gradient, builder.number(0)])


@rule("sigmoid.default", "sigmoid_.default", stretches=True)
def sigmoid(call: Call) -> str:
    return call.builder.node("Sigmoid", [call.arguments[0]])


@rule("sigmoid_backward.default", stretches=True)
def sigmoid_backward(call: Call) -> str:
    builder = call.builder
    gradient, result = call.arguments[:2]
    rest = builder.node("Sub", [builder.number(1), result])
    return builder.node("Mul", [gradient, builder.node("Mul", [result, rest])])


@rule("silu.default", "silu_.default", stretches=True)
def silu(call: Call) -> str:
    value = call.arguments[0]
    return call.builder.node("Mul", [value, call.builder.node("Sigmoid", [value])])


@rule("silu_backward.default", stretches=True)
def silu_backward(call: Call) -> str:
    """Multiply the gradient by s (1 + x (1 - s)), s being the sigmoid of x."""
    builder = call.builder
    gradient, value = call.arguments[:2]
    gate, one = builder.node("Sigmoid", [value]), builder.number(1)
    rest = builder.node("Mul", [value, builder.node("Sub", [one, gate])])
    slope = builder.node("Mul", [gate, builder.node("Add", [rest, one])])
    return builder.node("Mul", [gradient, slope])


def _normal_share(call: Call, value: str) -> str:
    """Return Phi(x), the standard normal distribution function."""
    builder = call.builder
    assert call.keywords.get("approximate", "none") == "none"
    scaled = builder.node("Mul", [value, builder.number(math.sqrt(0.5))])
    return _line(builder, builder.node("Erf", [scaled]), 0.5)


@rule("gelu.default", stretches=True)
def gelu(call: Call) -> str:
    value = call.arguments[0]
    return call.builder.node("Mul", [value, _normal_share(call, value)])


@rule("gelu_backward.default", stretches=True)
def gelu_backward(call: Call) -> str:
    """Multiply the gradient by Phi(x) + x phi(x), phi being the normal density."""
    builder = call.builder
    gradient, value = call.arguments[:2]
    half = builder.node("Mul", [builder.node("Mul", [value, value]), builder.number(-0.5)])
    scale = builder.number(1 / math.sqrt(2 * math.pi))
    density = builder.node("Mul", [builder.node("Exp", [half]), scale])
    slope = builder.node("Add", [_normal_share(call, value), builder.node("Mul", [value, density])])
    return builder.node("Mul", [gradient, slope])
