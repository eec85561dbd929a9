"""Which architectures could these tensors be? Asked of names and shapes alone.

People save a network inside other things: under a prefix, beside a loss, with a head of their own.
So the tensors under each prefix are compared with the index, without those of one linear layer,
which may be the head, and without up to two other groups, which are then left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, combinations
from math import isqrt

from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, all_architectures, expected_shapes, get_architecture
from metalearn.networks.base import Shapes
from metalearn.networks.index import (
    MODULUS,
    Indexed,
    hash_of_shapes,
    is_counter,
    name_hash,
    sum_of_hashes,
    the_index,
)

USUAL_IMAGE_SIZES = (32, 28, 84, 64, 96, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448)
_MAX_DEPTH, _MAX_PREFIXES = 4, 30
# The smallest network that is known has 15 tensors beside its head.
_MIN_TENSORS, _MAX_LINEAR = 10, 200
# So many groups may be tried without, when there are no more of them than that.
_DROPPED = ((16, 2), (64, 1))


@dataclass(frozen=True)
class Match:
    """An architecture that fits exactly, and which tensor of the file is which of its own."""

    spec: NetworkSpec
    names: Mapping[str, str]
    """The network's name of each tensor to the file's."""
    left_out: tuple[str, ...]
    """Tensors of the file that are no part of it."""
    twins: tuple[str, ...]
    """All architectures with these names and shapes that compute the same, this one among them."""


@dataclass(frozen=True)
class _Body:
    """Tensors of a file that are all of some architecture but its head."""

    shapes: Shapes
    """Of the whole file."""
    prefix: str
    names: tuple[str, ...]
    head: str | None
    """The layer taken for the head, with its prefix; None where it must lie elsewhere."""


def find_matches(shapes: Shapes, image_size: int | None = None) -> list[Match]:
    """One match for each thing that the largest part of the file that fits any could compute.

    `image_size` None lets the tensors tell where they can, else the architecture's usual one.
    """
    return _matches(shapes, image_size, wanted=None)


def match_as(shapes: Shapes, architecture: str, image_size: int | None = None) -> Match | None:
    """How the file's tensors are that architecture's, if they are."""
    wanted = get_architecture(architecture).name
    return next(iter(_matches(shapes, image_size, wanted=wanted)), None)


def load_index() -> None:
    """Have everything in memory that looking a file up needs."""
    _own_bodies()
    the_index()


def _matches(shapes: Shapes, image_size: int | None, wanted: str | None) -> list[Match]:
    usable = {name: shape for name, shape in shapes.items() if not is_counter(name)}
    for prefix in _prefixes(usable):
        found: dict[str, Match] = {}
        for body, kinds in _known_bodies(shapes, usable, prefix):
            for function, twins in _functions(body, kinds).items():
                if not (wanted is None or wanted in twins):
                    continue
                if function in found and not _has_its_own_head(body, twins[0]):
                    continue
                names = twins if wanted is None else (wanted,)
                if match := _first_match(body, names, twins, image_size):
                    found[function] = match
        if found:
            return list(found.values())
    return []


def _has_its_own_head(body: _Body, architecture: str) -> bool:
    """Whether the head has the architecture's own name; of several layers that one is it."""
    indexed = the_index().by_name.get(architecture)
    return body.head == body.prefix + (indexed.facts.head_name if indexed else "head")


def _functions(body: _Body, kinds: tuple["Indexed | str", ...]) -> dict[str, tuple[str, ...]]:
    """What tensors of these names and shapes may compute, and the architectures that do."""
    found: dict[str, tuple[str, ...]] = {}
    for kind in kinds:
        if isinstance(kind, str):
            found[kind] = (kind,)
        elif _has_shapes(body, kind):
            key = str(kind.function)
            found[key] = (*found.get(key, ()), kind.facts.name)
    return {key: tuple(sorted(names, key=_familiarity)) for key, names in found.items()}


def _familiarity(name: str) -> tuple[bool, int, str]:
    """torchvision's names before timm's, short ones before long ones."""
    return not name.startswith("torchvision/"), len(name), name


def _has_shapes(body: _Body, kind: Indexed) -> bool:
    start = len(body.prefix)
    fixed = {n[start:]: body.shapes[n] for n in body.names if n[start:] not in kind.facts.loose}
    return hash_of_shapes(fixed) == kind.shapes


def _first_match(
    body: _Body, names: tuple[str, ...], twins: tuple[str, ...], image_size: int | None
) -> Match | None:
    """The architecture at the size that was given, or that the tensors tell.

    `names` compute the same; the one that is made for the size is taken.
    """
    first = names[0]
    sizes = (image_size,) if image_size else _sizes(body, names)
    match = _match(body, first, twins, sizes)
    if match is None:
        return None
    size = match.spec.image_size
    made_for = next((name for name in names if _usual_size(name) == size), first)
    return replace(match, spec=replace(match.spec, architecture=made_for))


def _sizes(body: _Body, names: tuple[str, ...]) -> Iterable[int]:
    """The usual sizes of the architectures' images, and others that the tensors may tell."""
    usual = _usual_size(names[0])
    indexed = the_index().by_name.get(names[0])
    if indexed is None:
        return USUAL_IMAGE_SIZES
    if not indexed.facts.fixed_size:
        return (usual,)
    found = dict.fromkeys(map(_usual_size, names))
    expected = expected_shapes(get_architecture(names[0]).usual_spec(usual))
    for name in indexed.facts.loose:
        if not name.endswith("weight") and name in expected:
            shape = body.shapes.get(body.prefix + name, ())
            found |= dict.fromkeys(_sizes_of(shape, expected[name], usual))
    return tuple(found)


def _sizes_of(shape: tuple[int, ...], usual_shape: tuple[int, ...], usual: int) -> list[int]:
    """Image sizes of which a table of positions would have this shape.

    A table has one row for each patch, or for each of a side, and some for tokens.
    """
    sizes = []
    for length, at_usual in zip(shape, usual_shape, strict=False):
        if length == at_usual:
            continue
        sizes.append(round(usual * length / at_usual))
        for tokens in range(6):
            side, usual_side = (isqrt(max(n - tokens, 0)) for n in (length, at_usual))
            if side and side**2 == length - tokens and usual_side**2 == at_usual - tokens:
                sizes.append(round(usual * side / usual_side))
    return sizes


def _usual_size(name: str) -> int:
    indexed = the_index().by_name.get(name)
    return indexed.facts.image_size if indexed else USUAL_IMAGE_SIZES[0]


def _prefixes(shapes: Shapes) -> list[str]:
    """'' and every dotted prefix with several tensors under it, the fullest first."""
    counts: dict[str, int] = defaultdict(int)
    for name in shapes:
        parts = name.split(".")[:-1]
        for depth in range(min(len(parts), _MAX_DEPTH)):
            counts[".".join(parts[: depth + 1]) + "."] += 1
    full = sorted((p for p, n in counts.items() if n >= _MIN_TENSORS), key=lambda p: -counts[p])
    return ["", *full[:_MAX_PREFIXES]]


def _known_bodies(
    everything: Shapes, shapes: Shapes, prefix: str
) -> Iterator[tuple[_Body, tuple["Indexed | str", ...]]]:
    """Parts of what lies under the prefix whose names are those of known architectures."""
    own = {name.removeprefix(prefix): name for name in shapes if name.startswith(prefix)}
    groups: dict[str, list[str]] = defaultdict(list)
    for name in own:
        groups[name.partition(".")[0]].append(name)
    sums = {group: sum_of_hashes(names) for group, names in groups.items()}
    total = sum(sums.values())
    if len(own) < _MIN_TENSORS:
        return
    for head in [None, *_linear_layers(own, shapes)]:
        of_head = {f"{head}.weight", f"{head}.bias"} & set(own) if head else set()
        rest = total - sum(map(name_hash, of_head))
        for without in _droppable(groups, head):
            kinds = _kinds_of((rest - sum(sums[group] for group in without)) % MODULUS)
            if kinds:
                names = tuple(
                    name
                    for name in own
                    if name not in of_head and name.partition(".")[0] not in without
                )
                full = tuple(prefix + name for name in names)
                head_name = None if head is None else prefix + head
                yield _Body(everything, prefix, full, head_name), kinds


def _linear_layers(own: Mapping[str, str], shapes: Shapes) -> list[str]:
    """Layers with a matrix as their weight, the last first: heads come at the end."""
    suffix = ".weight"
    matrices = (n for n in own if n.endswith(suffix) and len(flat(shapes[own[n]])) == 2)
    return [name.removesuffix(suffix) for name in matrices][: -_MAX_LINEAR - 1 : -1]


def flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A convolution of 1x1 pixels on pooled features is a linear layer."""
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else shape


def _droppable(groups: Mapping[str, object], head: str | None) -> Iterable[tuple[str, ...]]:
    """Nothing, one or two of the first-level groups; never the head's own."""
    names = [group for group in groups if head is None or group != head.partition(".")[0]]
    most = next((dropped for limit, dropped in _DROPPED if len(names) <= limit), 0)
    return chain(*(combinations(names, count) for count in range(most + 1)))


def _kinds_of(names_hash: int) -> tuple["Indexed | str", ...]:
    return _own_bodies().get(names_hash, ()) + the_index().by_names_hash.get(names_hash, ())


@cache
def _own_bodies() -> dict[int, tuple[str, ...]]:
    """Our own architectures by their names, which do not depend on their width."""
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


def _match(
    body: _Body,
    architecture: str,
    twins: tuple[str, ...],
    image_sizes: Iterable[int],
) -> Match | None:
    """The architecture on this part of the file, if a head is there and all fits at some size."""
    indexed, shapes = the_index().by_name.get(architecture), body.shapes
    head = body.head or _head_elsewhere(shapes, set(body.names), indexed)
    if head is None:
        return None
    head_name = indexed.facts.head_name if indexed else "head"
    names = {name.removeprefix(body.prefix): name for name in body.names}
    names |= {
        f"{head_name}.{part}": f"{head}.{part}"
        for part in ("weight", "bias")
        if f"{head}.{part}" in shapes
    }
    names |= _counters(names, shapes)
    renamed = {name: shapes[theirs] for name, theirs in names.items()}
    renamed[f"{head_name}.weight"] = flat(renamed[f"{head_name}.weight"])
    for size in image_sizes:
        if spec := _spec(architecture, renamed, size, head_name):
            used = set(names.values())
            return Match(spec, names, tuple(n for n in shapes if n not in used), twins)
    return None


def _head_elsewhere(shapes: Shapes, used: set[str], indexed: Indexed | None) -> str | None:
    """The only other linear layer, of those that take the body's features where they are known."""
    fitting = [
        name.removesuffix(".weight")
        for name, shape in shapes.items()
        if name.endswith(".weight") and name not in used and len(flat(shape)) == 2
        if indexed is None or shape[1] == indexed.facts.feature_dim
    ]
    return fitting[0] if len(fitting) == 1 else None


def _counters(names: Mapping[str, str], shapes: Shapes) -> dict[str, str]:
    """Batch-norm's counters beside the tensors that were chosen."""
    found = {}
    for name, theirs in names.items():
        if name.endswith("running_mean"):
            stem, other = (text.removesuffix("running_mean") for text in (name, theirs))
            if f"{other}num_batches_tracked" in shapes:
                found[f"{stem}num_batches_tracked"] = f"{other}num_batches_tracked"
    return found


def _spec(architecture: str, shapes: Shapes, image_size: int, head_name: str) -> NetworkSpec | None:
    """The network that has exactly these shapes; a head may lack its bias."""
    try:
        spec = get_architecture(architecture).read_spec(shapes, image_size)
        expected = expected_shapes(spec)
    except InvalidCheckpoint:
        return None
    missing = {name for name in expected if not is_counter(name)} - set(shapes)
    fits = missing <= {f"{head_name}.bias"} and all(
        expected.get(name) == shape for name, shape in shapes.items()
    )
    return spec if fits else None
