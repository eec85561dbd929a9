"""Rules for layer-norm, written out because ONNX's own operator works in single precision."""

from metalearn.browser_graphs.conversion import Call, NotForBrowsers, rule
from metalearn.browser_graphs.operators.reductions import reduce


@rule("native_layer_norm.default")
def layer_norm(call: Call) -> tuple[str, str, str]:
    """Normalise the last dimensions; also return the mean and 1 / deviation."""
    builder = call.builder
    value, shape, weight, bias, epsilon = call.arguments[:5]
    axes = _normalised_axes(call, len(shape))
    mean = reduce(call, "ReduceMean", value, axes, keep=True)
    centred = builder.node("Sub", [value, mean])
    squares = builder.node("Mul", [centred, centred])
    variance = reduce(call, "ReduceMean", squares, axes, keep=True)
    deviation = builder.node("Sqrt", [builder.node("Add", [variance, builder.number(epsilon)])])
    inverse = builder.node("Reciprocal", [deviation])
    if not weight or not bias:
        raise NotForBrowsers("Browsers need layer-norm layers with weight and bias.")
    scaled = builder.node("Mul", [builder.node("Mul", [centred, inverse]), weight])
    return builder.node("Add", [scaled, bias]), mean, inverse


@rule("native_layer_norm_backward.default")
def layer_norm_backward(call: Call) -> tuple[str | None, str | None, str | None]:
    """Return the gradients of the value, the weight and the bias.

    With n the normalised value, g the gradient times the weight, and means over the normalised
    dimensions: (g - mean g - n mean(g n)) / deviation.
    """
    builder = call.builder
    gradient, value, shape, mean, inverse, weight = call.arguments[:6]
    wanted = call.arguments[7]
    rank = len(call.shape(1))
    leading = range(rank - len(shape))
    normal = builder.node("Mul", [builder.node("Sub", [value, mean]), inverse])
    product = builder.node("Mul", [gradient, normal])
    return (
        _of_value(call, builder.node("Mul", [gradient, weight]), normal) if wanted[0] else None,
        reduce(call, "ReduceSum", product, list(leading), keep=False) if wanted[1] else None,
        reduce(call, "ReduceSum", gradient, list(leading), keep=False) if wanted[2] else None,
    )


def _of_value(call: Call, gradient: str, normal: str) -> str:
    builder, axes = call.builder, _normalised_axes(call, len(call.arguments[2]), of=1)
    product = builder.node("Mul", [gradient, normal])
    shares = [reduce(call, "ReduceMean", v, axes, keep=True) for v in (gradient, product)]
    centred = builder.node("Sub", [gradient, shares[0]])
    rest = builder.node("Sub", [centred, builder.node("Mul", [normal, shares[1]])])
    return builder.node("Mul", [rest, call.arguments[4]])


def _normalised_axes(call: Call, n: int, of: int = 0) -> list[int]:
    rank = len(call.shape(of))
    return list(range(rank - n, rank))
