"""Rules for batch-norm with running statistics and for pools; average pools have no gradient."""

import math

from metalearn.browser_graphs.conversion import Call, NotForBrowsers, rule

_PER_CHANNEL = [0, 2, 3]


@rule("native_batch_norm.default", "_native_batch_norm_legit_no_training.default")
def batch_norm(call: Call) -> tuple[str | None, ...]:
    """Normalise by the running statistics, so that every image is independent."""
    images, weight, bias, mean, variance = call.arguments[:5]
    if call.operator == "native_batch_norm.default" and call.arguments[5]:
        return _moments(call)
    if not weight or not bias:
        raise NotForBrowsers("Browsers need batch-norm layers with weight and bias.")
    # Added here, as the operator's own epsilon is in single precision.
    builder = call.builder
    enough = builder.node("Add", [variance, builder.number(call.arguments[-1])])
    inputs = [images, weight, bias, mean, enough]
    return builder.node("BatchNormalization", inputs, epsilon=0.0), None, None


def _moments(call: Call) -> tuple[None, None, None]:
    """Replace the running statistics by the batch's own; traced from `fused_moments`."""
    if call.arguments[6] != 1:
        raise NotForBrowsers("Browsers judge every picture by itself, not by its neighbours.")
    builder, images, shape = call.builder, call.arguments[0], call.shape(0)
    axes = builder.integers(_PER_CHANNEL)
    mean = builder.node("ReduceMean", [images, axes], keepdims=1)
    centred = builder.node("Sub", [images, mean])
    squares = builder.node("Mul", [centred, centred])
    total = builder.node("ReduceSum", [squares, axes], keepdims=0)
    n = builder.number(math.prod(shape) // shape[1])
    call.changed[3] = builder.node("Squeeze", [mean, axes])
    call.changed[4] = builder.node("Div", [total, builder.node("Sub", [n, builder.number(1)])])
    return None, None, None


@rule("native_batch_norm_backward.default")
def batch_norm_backward(call: Call) -> tuple[str | None, str | None, str | None]:
    builder = call.builder
    gradient, images, weight, mean, variance = call.arguments[:5]
    epsilon, wanted = builder.number(call.arguments[8]), call.arguments[9]
    size = builder.node("Sqrt", [builder.node("Add", [variance, epsilon])])
    axes = builder.integers(_PER_CHANNEL)
    scale = _spread(call, builder.node("Div", [weight, size]))
    centred = builder.node("Sub", [images, _spread(call, mean)])
    product = builder.node("Mul", [gradient, centred])
    likeness = builder.node("ReduceSum", [product, axes], keepdims=0)
    return (
        builder.node("Mul", [gradient, scale]) if wanted[0] else None,
        builder.node("Div", [likeness, size]) if wanted[1] else None,
        builder.node("ReduceSum", [gradient, axes], keepdims=0) if wanted[2] else None,
    )


def _spread(call: Call, per_channel: str) -> str:
    return call.builder.node("Unsqueeze", [per_channel, call.builder.integers([1, 2])])


@rule("max_pool2d_with_indices.default")
def max_pool(call: Call) -> tuple[str, str]:
    """Return every window's largest value and its index: the first of several, as in PyTorch."""
    kernel, stride, padding = call.arguments[1], call.get(2) or call.arguments[1], call.get(3, [0])
    if call.get(4, [1]) not in ([1], [1, 1]) or call.get(5):
        raise NotForBrowsers("Browsers cannot adapt a network with dilated or ceiling pools.")
    values, indices = call.builder.node_of(
        "MaxPool",
        [call.arguments[0]],
        2,
        kernel_shape=_pair(kernel),
        strides=_pair(stride),
        pads=[*_pair(padding), *_pair(padding)],
    )
    return values, indices


@rule("max_pool2d_with_indices_backward.default")
def max_pool_backward(call: Call) -> str:
    """Route every gradient to the position of the largest value."""
    builder = call.builder
    gradient, images, kernel, stride, padding = call.arguments[:5]
    indices = call.arguments[7]
    flat = [builder.node("Reshape", [v, builder.integers([-1])]) for v in (gradient, indices)]
    shape = builder.node("Shape", [images])
    n = builder.node("ReduceProd", [shape], keepdims=1)
    zeros = builder.node("Expand", [builder.number(0), n])
    # Overlapping windows may choose the same position; their gradients are added.
    apart = _pair(kernel) == _pair(stride or kernel) and not any(padding)
    placed = builder.node(
        "ScatterElements", [zeros, flat[1], flat[0]], axis=0, reduction="none" if apart else "add"
    )
    return builder.node("Reshape", [placed, shape])


@rule("avg_pool2d.default")
def average_pool(call: Call) -> str:
    kernel, stride, padding = call.arguments[1], call.get(2) or call.arguments[1], call.get(3, [0])
    if call.get(6) is not None:
        raise NotForBrowsers("Browsers cannot adapt a network whose pools have a divisor.")
    return call.builder.node(
        "AveragePool",
        [call.arguments[0]],
        kernel_shape=_pair(kernel),
        strides=_pair(stride),
        pads=[*_pair(padding), *_pair(padding)],
        ceil_mode=int(bool(call.get(4, False))),
        count_include_pad=int(call.get(5, True)),
    )


def _pair(value: list[int]) -> list[int]:
    return list(value) * 2 if len(value) == 1 else list(value)
