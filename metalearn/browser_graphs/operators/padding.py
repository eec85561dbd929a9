"""Rules for constant padding and for rolling."""

from collections.abc import Sequence

from metalearn.browser_graphs.conversion import Call, rule


@rule("constant_pad_nd.default")
def pad(call: Call) -> str:
    """Pad with a constant; negative widths crop.

    Widths begin with the last dimension: before it, after it, before the one before, and so on.
    """
    widths, rank = call.arguments[1], len(call.shape(0))
    sides = {rank - 1 - n // 2: (widths[n], widths[n + 1]) for n in range(0, len(widths), 2)}
    value = _cut(call, str(call.arguments[0]), sides)
    grown = {axis: [max(width, 0) for width in both] for axis, both in sides.items() if any(both)}
    if not any(sum(both) for both in grown.values()):
        return value
    builder = call.builder
    pads = [both[end] for end in (0, 1) for both in grown.values()]
    filled = builder.number(call.get(2) or 0)
    return builder.node(
        "Pad", [value, builder.integers(pads), filled, builder.integers(list(grown))]
    )


def _cut(call: Call, value: str, sides: dict[int, tuple[int, int]]) -> str:
    """Crop with a slice, as not all runtimes accept negative pads."""
    cut = {axis: both for axis, both in sides.items() if min(both) < 0}
    if not cut:
        return value
    shape, builder = call.shape(0), call.builder
    starts = [max(-before, 0) for before, _ in cut.values()]
    ends = [shape[axis] - max(-after, 0) for axis, (_, after) in cut.items()]
    bounds = [builder.integers(values) for values in (starts, ends, list(cut))]
    return builder.node("Slice", [value, *bounds])


@rule("roll.default")
def roll(call: Call) -> str:
    value = str(call.arguments[0])
    for shift, axis in zip(call.arguments[1], call.get(2, []), strict=True):
        value = _rolled(call, value, axis % len(call.shape(0)), shift)
    return value


def _rolled(call: Call, value: str, axis: int, shift: int) -> str:
    size = call.shape(0)[axis]
    parts = [
        _part(call, value, axis, span) for span in ((size - shift % size, size), (0, -shift % size))
    ]
    return call.builder.node("Concat", parts, axis=axis)


def _part(call: Call, value: str, axis: int, span: Sequence[int]) -> str:
    bounds = [call.builder.integers([number]) for number in (*span, axis)]
    return call.builder.node("Slice", [value, *bounds])
