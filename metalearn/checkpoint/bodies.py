"""Search for parts of a file whose tensor names, apart from the head, are an architecture's."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain, combinations

from metalearn.networks import NetworkSpec, all_architectures, expected_shapes
from metalearn.networks.base import Shapes
from metalearn.networks.index import (
    MODULUS,
    Indexed,
    is_counter,
    name_hash,
    sum_of_hashes,
    the_index,
)

_MAX_DEPTH, _MAX_PREFIXES = 4, 30
# The smallest known network has 15 tensors besides its head.
_MIN_TENSORS, _MAX_LINEAR = 10, 200
# (limit, dropped): with at most `limit` groups, up to `dropped` of them are left out.
_DROPPED = ((16, 2), (64, 1))


@dataclass(frozen=True)
class Body:
    """Tensors of a file that make up an architecture, apart from its head."""

    shapes: Shapes
    """Shapes of the whole file."""
    prefix: str
    names: tuple[str, ...]
    heads: tuple[str, ...]
    """The layers taken for the head, with their prefix; () if the head is outside this part."""


def prefixes(shapes: Shapes) -> list[str]:
    """Return '' and every dotted prefix with at least `_MIN_TENSORS` tensors, fullest first."""
    counts: dict[str, int] = defaultdict(int)
    for name in shapes:
        parts = name.split(".")[:-1]
        for depth in range(min(len(parts), _MAX_DEPTH)):
            counts[".".join(parts[: depth + 1]) + "."] += 1
    full = sorted((p for p, n in counts.items() if n >= _MIN_TENSORS), key=lambda p: -counts[p])
    return ["", *full[:_MAX_PREFIXES]]


def known_bodies(
    everything: Shapes, shapes: Shapes, prefix: str
) -> Iterator[tuple[Body, tuple[Indexed | str, ...]]]:
    """Yield the parts under `prefix` whose names match known architectures."""
    own = {name.removeprefix(prefix): name for name in shapes if name.startswith(prefix)}
    groups: dict[str, list[str]] = defaultdict(list)
    for name in own:
        groups[name.partition(".")[0]].append(name)
    sums = {group: sum_of_hashes(names) for group, names in groups.items()}
    total = sum(sums.values())
    if len(own) < _MIN_TENSORS:
        return
    for heads in [*_several_heads(own), (), *_linear_layers(own, shapes)]:
        of_head = {f"{head}.{part}" for head in heads for part in ("weight", "bias")} & set(own)
        rest = total - sum(map(name_hash, of_head))
        for without in _droppable(groups, heads):
            kinds = _kinds_of((rest - sum(sums[group] for group in without)) % MODULUS)
            if kinds:
                names = tuple(
                    name
                    for name in own
                    if name not in of_head and name.partition(".")[0] not in without
                )
                full = tuple(prefix + name for name in names)
                yield Body(everything, prefix, full, tuple(prefix + head for head in heads)), kinds


def _several_heads(own: Mapping[str, str]) -> list[tuple[str, ...]]:
    known = the_index().several_heads
    return [heads for heads in known if all(f"{head}.weight" in own for head in heads)]


def _linear_layers(own: Mapping[str, str], shapes: Shapes) -> list[tuple[str]]:
    suffix = ".weight"
    matrices = (n for n in own if n.endswith(suffix) and len(flat(shapes[own[n]])) == 2)
    return [(name.removesuffix(suffix),) for name in matrices][
        : -_MAX_LINEAR - 1 : -1
    ]  # heads come last


def flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Treat a 1x1 convolution on pooled features as a linear layer."""
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else shape


def _droppable(groups: Mapping[str, object], heads: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    kept = {head.partition(".")[0] for head in heads}
    names = [group for group in groups if group not in kept]
    most = next((dropped for limit, dropped in _DROPPED if len(names) <= limit), 0)
    return chain(*(combinations(names, count) for count in range(most + 1)))


def _kinds_of(names_hash: int) -> tuple[Indexed | str, ...]:
    return own_bodies().get(names_hash, ()) + the_index().by_names_hash.get(names_hash, ())


@cache
def own_bodies() -> dict[int, tuple[str, ...]]:
    """Map name hashes to our own architectures, whose names do not depend on the width."""
    found: dict[int, tuple[str, ...]] = {}
    for name, kind in all_architectures().items():
        if "/" not in name:
            shapes = expected_shapes(NetworkSpec(name, kind.default_width, 3, 32, 2))
            body = [
                n for n in shapes if not is_counter(n) and n not in {"head.weight", "head.bias"}
            ]
            key = sum_of_hashes(body)
            found[key] = (*found.get(key, ()), name)
    return found
