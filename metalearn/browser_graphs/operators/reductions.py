"""Rules for sums, means, norms and softmaxes."""

from collections.abc import Sequence

from metalearn.browser_graphs.conversion import Call, rule


def reduce(call: Call, operator: str, value: str, axes: Sequence[int], *, keep: bool) -> str:
    return call.builder.node(
        operator, [value, call.builder.integers(list(axes))], keepdims=int(keep)
    )


@rule("sum.dim_IntList", "mean.dim", "sum.default", "mean.default", "amax.default")
def total(call: Call) -> str:
    """Reduce by sum, mean or maximum, over some axes or all."""
    name = call.operator.split(".")[0]
    operator = {"sum": "ReduceSum", "mean": "ReduceMean", "amax": "ReduceMax"}[name]
    rank = len(call.shape(0))
    everything = call.operator in {"sum.default", "mean.default"} or not call.get(1)
    axes = range(rank) if everything else [axis % rank for axis in call.arguments[1]]
    keep = not call.operator.endswith(("sum.default", "mean.default")) and bool(call.get(2, False))
    return reduce(call, operator, call.arguments[0], list(axes), keep=keep)


@rule("linalg_vector_norm.default")
def norm(call: Call) -> str:
    value, order, axes, keep = call.arguments[0], call.get(1, 2), call.get(2), call.get(3, False)
    assert order == 2
    rank = len(call.shape(0))
    every = range(rank) if axes is None else [axis % rank for axis in axes]
    return reduce(call, "ReduceL2", value, list(every), keep=keep)


@rule("logsumexp.default")
def logsumexp(call: Call) -> str:
    """Subtract the maximum first, so that nothing overflows."""
    builder, value = call.builder, call.arguments[0]
    axes = [axis % len(call.shape(0)) for axis in call.arguments[1]]
    keep = call.get(2, False)
    largest = reduce(call, "ReduceMax", value, axes, keep=True)
    powers = builder.node("Exp", [builder.node("Sub", [value, largest])])
    log = builder.node("Log", [reduce(call, "ReduceSum", powers, axes, keep=True)])
    result = builder.node("Add", [log, largest])
    return result if keep else builder.node("Squeeze", [result, builder.integers(axes)])


@rule("_log_softmax.default")
def log_softmax(call: Call) -> str:
    return call.builder.node("LogSoftmax", [call.arguments[0]], axis=call.arguments[1])


@rule("_log_softmax_backward_data.default")
def log_softmax_backward(call: Call) -> str:
    """Subtract the gradient's sum times the probabilities."""
    builder = call.builder
    gradient, result, axis = call.arguments[:3]
    axes = [axis % len(call.shape(0))]
    whole = reduce(call, "ReduceSum", gradient, axes, keep=True)
    share = builder.node("Mul", [builder.node("Exp", [result]), whole])
    return builder.node("Sub", [gradient, share])


@rule("_softmax.default", "_safe_softmax.default")
def softmax(call: Call) -> str:
    return call.builder.node("Softmax", [call.arguments[0]], axis=call.arguments[1])


@rule("_softmax_backward_data.default")
def softmax_backward(call: Call) -> str:
    """Multiply the probabilities by the gradient's deviation from its mean under them."""
    builder = call.builder
    gradient, result, axis = call.arguments[:3]
    axes = [axis % len(call.shape(0))]
    mean = reduce(call, "ReduceSum", builder.node("Mul", [gradient, result]), axes, keep=True)
    return builder.node("Mul", [result, builder.node("Sub", [gradient, mean])])


@rule("_euclidean_dist.default")
def distances(call: Call) -> str:
    """Use |a - b|^2 = |a|^2 - 2 ab + |b|^2 for the distances between rows."""
    builder = call.builder
    one, other = call.arguments
    squares = [
        reduce(call, "ReduceSum", builder.node("Mul", [v, v]), [1], keep=True) for v in (one, other)
    ]
    transposed = builder.node("Transpose", [other], perm=[1, 0])
    product = builder.node("MatMul", [one, transposed])
    both = builder.node("Add", [squares[0], builder.node("Transpose", [squares[1]], perm=[1, 0])])
    twice = builder.node("Mul", [product, builder.number(2)])
    squared = builder.node("Max", [builder.node("Sub", [both, twice]), builder.number(0)])
    return builder.node("Sqrt", [squared])
