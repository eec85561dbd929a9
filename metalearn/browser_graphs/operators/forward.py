"""Rules for operators of networks that browsers can look through, but not adapt: no gradients."""

import math

from metalearn.browser_graphs.conversion import Call, rule


@rule("hardswish.default", "hardswish_.default", stretches=True)
def hard_swish(call: Call) -> str:
    """x * clip(x / 6 + 1/2, 0, 1)."""
    return call.builder.node("HardSwish", [call.arguments[0]])


@rule("hardsigmoid.default", "hardsigmoid_.default", stretches=True)
def hard_sigmoid(call: Call) -> str:
    """clip(x / 6 + 1/2, 0, 1)."""
    return call.builder.node("HardSigmoid", [call.arguments[0]], alpha=1 / 6, beta=0.5)


@rule("sigmoid.default", "sigmoid_.default", stretches=True)
def sigmoid(call: Call) -> str:
    """1 / (1 + exp(-x))."""
    return call.builder.node("Sigmoid", [call.arguments[0]])


@rule("silu.default", "silu_.default", stretches=True)
def silu(call: Call) -> str:
    """x * sigmoid(x)."""
    value = call.arguments[0]
    return call.builder.node("Mul", [value, call.builder.node("Sigmoid", [value])])


@rule("gelu.default", stretches=True)
def gelu(call: Call) -> str:
    """x * Phi(x), by the error function."""
    builder, value = call.builder, call.arguments[0]
    assert call.keywords.get("approximate", "none") == "none"
    scaled = builder.node("Mul", [value, builder.number(math.sqrt(0.5))])
    share = builder.node("Add", [builder.node("Erf", [scaled]), builder.number(1)])
    half = builder.node("Mul", [value, builder.number(0.5)])
    return builder.node("Mul", [half, share])


@rule("native_layer_norm.default")
def layer_norm(call: Call) -> tuple[str, None, None]:
    """Mean 0 and variance 1 over the last dimensions of every picture."""
    value, shape, weight, bias, epsilon = call.arguments[:5]
    inputs = [value, weight, *([bias] if bias else [])]
    attributes = {"axis": -len(shape), "epsilon": float(epsilon)}
    return call.builder.node("LayerNormalization", inputs, **attributes), None, None
