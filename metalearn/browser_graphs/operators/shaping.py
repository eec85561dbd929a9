"""Rules for operators that reshape, slice and join."""

import numpy as np

from metalearn.browser_graphs.conversion import Call, rule
from metalearn.browser_graphs.sizes import is_dynamic


@rule("view.default", "_unsafe_view.default", "reshape.default")
def reshape(call: Call) -> str:
    """Reshape; a single dynamic size is left for the runtime to infer."""
    return _reshaped(call)


def _reshaped(call: Call) -> str:
    sizes = [-1 if is_dynamic(size) else size for size in call.result_shape]
    builder = call.builder
    shape = builder.shape(call.result_shape) if sizes.count(-1) > 1 else builder.integers(sizes)
    return builder.node("Reshape", [call.arguments[0], shape])


@rule("expand.default", stretches=True)
def expand(call: Call) -> str:
    """Pass the value on; it is expanded only where the full size is needed."""
    return str(call.arguments[0])


@rule("unsqueeze.default")
def unsqueeze(call: Call) -> str:
    rank = len(call.shape(0)) + 1
    axes = call.builder.integers([call.arguments[1] % rank])
    return call.builder.node("Unsqueeze", [call.arguments[0], axes])


@rule("squeeze.dim", "squeeze.dims")
def squeeze(call: Call) -> str:
    return _reshaped(call)


@rule("t.default", "permute.default", "transpose.int")
def permute(call: Call) -> str:
    rank = len(call.shape(0))
    order = list(range(rank))
    if call.operator == "permute.default":
        order = [axis % rank for axis in call.arguments[1]]
    elif rank > 1:
        one, other = (call.get(1, 0) % rank, call.get(2, 1) % rank)
        order[one], order[other] = order[other], order[one]
    return call.builder.node("Transpose", [call.arguments[0]], perm=order)


@rule("slice.Tensor")
def cut(call: Call) -> str:
    axis, start, end, step = _span(call, call.shape(0), 1)
    if (start, end, step) == (0, call.shape(0)[axis], 1):
        return str(call.arguments[0])
    builder = call.builder
    bounds = [builder.size(start), builder.size(end), builder.integers([axis])]
    return builder.node("Slice", [call.arguments[0], *bounds, builder.integers([step])])


@rule("slice_backward.default")
def cut_backward(call: Call) -> str:
    """Pad the gradient with zeros around the slice."""
    shape = call.result_shape
    axis, start, end, step = _span(call, shape, 2)
    gradient = str(call.arguments[0])
    if (start, end, step) == (0, shape[axis], 1):
        return gradient
    if step != 1:
        gradient, end = _spread(call, axis, step, most=shape[axis] - start)
        end += start
    builder = call.builder
    after = builder.node("Sub", [builder.size(shape[axis]), builder.size(end)])
    pads = builder.node("Concat", [builder.size(start), after], axis=0)
    return builder.node("Pad", [gradient, pads, builder.number(0), builder.integers([axis])])


def _span(call: Call, shape: tuple[int, ...], first: int) -> tuple[int, int, int, int]:
    axis = call.get(first, 0) % len(shape)
    start, end = call.get(first + 1), call.get(first + 2)
    size = shape[axis]
    start = 0 if start is None else min(start + size if start < 0 else start, size)
    end = size if end is None else min(end + size if end < 0 else end, size)
    return axis, start, end, call.get(first + 3, 1)


def _spread(call: Call, axis: int, step: int, *, most: int) -> tuple[str, int]:
    """Insert zeros between elements; return the value and its length, at most `most`."""
    builder, shape = call.builder, call.shape(0)
    wide = builder.node("Unsqueeze", [call.arguments[0], builder.integers([axis + 1])])
    pads, axes = builder.integers([0, step - 1]), builder.integers([axis + 1])
    wide = builder.node("Pad", [wide, pads, builder.number(0), axes])
    folded = [-1 if is_dynamic(size) else size for size in shape]
    folded[axis] = shape[axis] * step
    spread = builder.node("Reshape", [wide, builder.integers(folded)])
    if folded[axis] <= most:
        return spread, folded[axis]
    bounds = [builder.integers([number]) for number in (0, most, axis)]
    return builder.node("Slice", [spread, *bounds]), most


@rule("select.int")
def select(call: Call) -> str:
    value, axis, index = call.arguments
    which = call.builder.constant(np.array(index, dtype=np.int64))
    return call.builder.node("Gather", [value, which], axis=axis % len(call.shape(0)))


@rule("select_backward.default")
def select_backward(call: Call) -> str:
    axis, index = call.arguments[2] % len(call.result_shape), call.arguments[3]
    size, builder = call.result_shape[axis], call.builder
    axes = builder.integers([axis])
    gradient = builder.node("Unsqueeze", [call.arguments[0], axes])
    pads = builder.integers([index % size, size - 1 - index % size])
    return builder.node("Pad", [gradient, pads, builder.number(0), axes])


@rule("unbind.int")
def unbind(call: Call) -> tuple[str, ...]:
    axis = call.get(1, 0) % len(call.shape(0))
    which = [call.builder.constant(np.array(n, np.int64)) for n in range(call.shape(0)[axis])]
    given = call.arguments[0]
    return tuple(call.builder.node("Gather", [given, index], axis=axis) for index in which)


@rule("cat.default")
def cat(call: Call) -> str:
    axis = call.get(1, 0) % len(call.result_shape)
    return call.builder.node("Concat", call.arguments[0], axis=axis)


@rule("stack.default")
def stack(call: Call) -> str:
    builder = call.builder
    axis = call.get(1, 0) % len(call.result_shape)
    parts = [builder.node("Unsqueeze", [v, builder.integers([axis])]) for v in call.arguments[0]]
    return builder.node("Concat", parts, axis=axis)
