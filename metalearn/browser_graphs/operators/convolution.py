"""Rules for convolutions and their gradients."""

from dataclasses import dataclass

from metalearn.browser_graphs.builder import GraphBuilder
from metalearn.browser_graphs.conversion import Call, NotForBrowsers, rule


@dataclass(frozen=True)
class _Geometry:
    """How a kernel moves over a map; all pairs are (height, width)."""

    channels: tuple[int, int]
    """(channels of the result, channels that one group reads)."""
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def pads(self) -> list[int]:
        """Padding in ONNX's order: the starts of both axes, then the ends."""
        return [*self.padding, *self.padding]

    @property
    def reach(self) -> tuple[int, int]:
        """Distance between the first and last taps of the kernel."""
        height, width = (d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True))
        return height, width


@rule("convolution.default")
def convolution(call: Call) -> str:
    images, weight, bias = call.arguments[:3]
    stride, padding, dilation = _pairs(call, 3)
    if call.arguments[6]:
        raise NotForBrowsers("Browsers cannot adapt a network with transposed convolutions.")
    return call.builder.node(
        "Conv",
        [images, weight] + ([bias] if bias else []),
        strides=stride,
        pads=[*padding, *padding],
        dilations=dilation,
        group=call.arguments[8],
    )


@rule("convolution_backward.default")
def convolution_backward(call: Call) -> tuple[str | None, str | None, str | None]:
    """Return the gradients of the images, the weight and the bias that are requested."""
    gradient, images, weight = call.arguments[:3]
    stride, padding, dilation = _pairs(call, 4)
    if call.arguments[7]:
        raise NotForBrowsers("Browsers cannot adapt a network with transposed convolutions.")
    n_out, n_in, *kernel = call.shape(2)
    geometry = _Geometry(
        (n_out, n_in),
        (kernel[0], kernel[1]),
        stride,
        padding,
        dilation,
        groups=call.arguments[9],
        before=_size(call.shape(1)),
        after=_size(call.shape(0)),
    )
    wanted = call.arguments[10]
    builder = call.builder
    of_weight = _of_weight if geometry.groups == 1 else _of_grouped_weight
    return (
        _of_images(builder, gradient, weight, geometry) if wanted[0] else None,
        of_weight(builder, gradient, images, geometry) if wanted[1] else None,
        _of_bias(builder, gradient) if wanted[2] else None,
    )


def _pairs(call: Call, first: int) -> tuple[tuple[int, int], ...]:
    values = [call.arguments[first + index] for index in range(3)]
    if any(len(value) != 2 for value in values):
        raise NotForBrowsers("Browsers adapt networks for pictures only.")
    return tuple((value[0], value[1]) for value in values)


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[2], shape[3]


def _of_bias(builder: GraphBuilder, gradient: str) -> str:
    return builder.node("ReduceSum", [gradient, builder.integers([0, 2, 3])], keepdims=0)


def _of_images(builder: GraphBuilder, gradient: str, weight: str, at: _Geometry) -> str:
    if at.stride == (1, 1) and all(p <= r for p, r in zip(at.padding, at.reach, strict=True)):
        # Equal to a transposed convolution, but faster in runtimes.
        pads = [r - p for r, p in zip(at.reach, at.padding, strict=True)]
        return builder.node(
            "Conv",
            [gradient, _flipped(builder, _turned(builder, weight, at), at)],
            pads=[*pads, *pads],
            dilations=at.dilation,
            group=at.groups,
        )
    extra = [
        before - ((after - 1) * stride - 2 * padding + reach + 1)
        for before, after, stride, padding, reach in zip(
            at.before, at.after, at.stride, at.padding, at.reach, strict=True
        )
    ]
    return builder.node(
        "ConvTranspose",
        [gradient, weight],
        strides=at.stride,
        pads=at.pads,
        dilations=at.dilation,
        group=at.groups,
        output_padding=extra,
    )


def _turned(builder: GraphBuilder, weight: str, at: _Geometry) -> str:
    """Swap inputs and outputs within every group."""
    if at.groups == 1:
        return builder.node("Transpose", [weight], perm=[1, 0, 2, 3])
    n_out, n_in = at.channels
    if n_out == at.groups and n_in == 1:
        return weight
    apart = builder.integers([at.groups, n_out // at.groups, n_in, *at.kernel])
    groups = builder.node("Reshape", [weight, apart])
    turned = builder.node("Transpose", [groups], perm=[0, 2, 1, 3, 4])
    together = builder.integers([at.groups * n_in, n_out // at.groups, *at.kernel])
    return builder.node("Reshape", [turned, together])


def _flipped(builder: GraphBuilder, weight: str, at: _Geometry) -> str:
    if at.kernel == (1, 1):
        return weight
    start, end = builder.integers([-1, -1]), builder.integers([-(2**31), -(2**31)])
    axes, steps = builder.integers([2, 3]), builder.integers([-1, -1])
    return builder.node("Slice", [weight, start, end, axes, steps])


def _of_weight(builder: GraphBuilder, gradient: str, images: str, at: _Geometry) -> str:
    """Compute one matrix product, where every tap of the kernel sees shifted images.

    Channels go first, so that a batch of images is one long axis, over which the product sums.
    """
    n_out, n_in = at.channels
    channels_first = builder.node("Transpose", [images], perm=[1, 0, 2, 3])
    if any(at.padding):
        pads = builder.integers(at.pads)
        axes = builder.integers([2, 3])
        channels_first = builder.node("Pad", [channels_first, pads, builder.number(0), axes])
    height, width = at.kernel
    taps = [
        _tap(builder, channels_first, (row, column), at)
        for row in range(height)
        for column in range(width)
    ]
    every = builder.node("Concat", taps, axis=0) if len(taps) > 1 else taps[0]
    columns = builder.node("Reshape", [every, builder.integers([height * width * n_in, -1])])
    last = builder.node("Transpose", [gradient], perm=[0, 2, 3, 1])
    rows = builder.node("Reshape", [last, builder.integers([-1, n_out])])
    product = builder.node("MatMul", [columns, rows])
    taken = builder.node("Reshape", [product, builder.integers([height, width, n_in, n_out])])
    return builder.node("Transpose", [taken], perm=[3, 2, 0, 1])


def _of_grouped_weight(builder: GraphBuilder, gradient: str, images: str, at: _Geometry) -> str:
    """Compute one convolution, with the gradient as kernel and the pictures as channels.

    The forward pass's stride becomes the kernel's dilation, and vice versa.
    """
    n_in = at.channels[1]
    apart = builder.integers([-1, at.groups, n_in, *at.before])
    groups = builder.node("Reshape", [images, apart])
    swapped = builder.node("Transpose", [groups], perm=[2, 1, 0, 3, 4])
    pictures = builder.node("Reshape", [swapped, builder.integers([n_in, -1, *at.before])])
    kernel = builder.node("Transpose", [gradient], perm=[1, 0, 2, 3])
    found = builder.node(
        "Conv",
        [pictures, kernel],
        pads=at.pads,
        strides=at.dilation,
        dilations=at.stride,
        group=at.groups,
    )
    # Pixels left over by the forward stride give taps that the kernel does not have.
    bounds = [builder.integers(values) for values in ((0, 0), at.kernel, (2, 3))]
    taps = builder.node("Slice", [found, *bounds])
    return builder.node("Transpose", [taps], perm=[1, 0, 2, 3])


def _tap(builder: GraphBuilder, images: str, tap: tuple[int, int], at: _Geometry) -> str:
    start = [t * d for t, d in zip(tap, at.dilation, strict=True)]
    whole = all(
        t == 0 and s == 1 and b + 2 * p == a
        for t, s, b, p, a in zip(start, at.stride, at.before, at.padding, at.after, strict=True)
    )
    if whole:
        return images
    ends = [t + (a - 1) * s + 1 for t, a, s in zip(start, at.after, at.stride, strict=True)]
    vectors = [builder.integers(values) for values in (start, ends, (2, 3), at.stride)]
    return builder.node("Slice", [images, *vectors])
