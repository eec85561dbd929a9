"""Matching of shapes to architectures, for the parts of a file that `bodies.py` finds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isqrt

from metalearn.checkpoint.bodies import Body, flat, known_bodies, own_bodies, prefixes
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, expected_shapes, get_architecture
from metalearn.networks.base import Shapes
from metalearn.networks.index import Indexed, hash_of_shapes, is_counter, the_index

USUAL_IMAGE_SIZES = (32, 28, 84, 64, 96, 128, 160, 192, 224, 240, 256, 288, 299, 320, 384, 448)


@dataclass(frozen=True)
class Match:
    spec: NetworkSpec
    names: Mapping[str, str]
    """The library's tensor names mapped to the file's."""
    left_out: tuple[str, ...]
    """Tensors of the file that do not belong to it."""
    twins: tuple[str, ...]
    """All architectures with the same names, shapes and function, this one included."""


def find_matches(shapes: Shapes, image_size: int | None = None) -> list[Match]:
    """Return one match per distinct function, for the fullest part of the file that fits any.

    With `image_size` None, the tensors determine the size if they can, else it is the usual one.
    """
    return _matches(shapes, image_size, wanted=None)


def match_as(shapes: Shapes, architecture: str, image_size: int | None = None) -> Match | None:
    """Match the file to this architecture, or return None."""
    wanted = get_architecture(architecture).name
    return next(iter(_matches(shapes, image_size, wanted=wanted)), None)


def load_index() -> None:
    own_bodies()
    the_index()


def _matches(shapes: Shapes, image_size: int | None, wanted: str | None) -> list[Match]:
    usable = {name: shape for name, shape in shapes.items() if not is_counter(name)}
    for prefix in prefixes(usable):
        found: dict[str, Match] = {}
        for body, kinds in known_bodies(shapes, usable, prefix):
            for function, twins in _functions(body, kinds).items():
                if not (wanted is None or wanted in twins):
                    continue
                if function in found and not _has_its_own_head(body, twins[0]):
                    continue
                names = twins if wanted is None else (wanted,)
                if match := _first_match(body, names, twins, image_size):
                    found[function] = match
        if found:
            # Distilled EfficientViM files also contain all tensors of the plain model.
            least = min(len(match.left_out) for match in found.values())
            return [match for match in found.values() if len(match.left_out) == least]
    return []


def _has_its_own_head(body: Body, architecture: str) -> bool:
    """Return whether the head has the architecture's own name, to decide among several layers."""
    indexed = the_index().by_name.get(architecture)
    known = (indexed.facts.heads, (indexed.facts.head_name,)) if indexed else (("head",),)
    return any(body.heads == tuple(body.prefix + head for head in heads) for heads in known)


def _functions(body: Body, kinds: tuple[Indexed | str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for kind in kinds:
        if isinstance(kind, str):
            if len(body.heads) < 2:
                found[kind] = (kind,)
        elif _has_heads(body, kind) and _has_shapes(body, kind):
            key = str(kind.function)
            found[key] = (*found.get(key, ()), kind.facts.name)
    return {key: tuple(sorted(names, key=_familiarity)) for key, names in found.items()}


def _familiarity(name: str) -> tuple[bool, int, str]:
    return not name.startswith("torchvision/"), len(name), name


def _has_heads(body: Body, kind: Indexed) -> bool:
    """Return whether the layers taken for the head are all the heads of this architecture."""
    own = tuple(body.prefix + head for head in kind.facts.heads)
    if len(body.heads) > 1:
        return body.heads == own
    return len(own) == 1 or not any(
        f"{head}.weight" in body.shapes for head in own if head not in body.heads
    )


def _has_shapes(body: Body, kind: Indexed) -> bool:
    start = len(body.prefix)
    fixed = {n[start:]: body.shapes[n] for n in body.names if n[start:] not in kind.facts.loose}
    return hash_of_shapes(fixed) == kind.shapes


def _first_match(
    body: Body, names: tuple[str, ...], twins: tuple[str, ...], image_size: int | None
) -> Match | None:
    """Match at the given size, or at one the tensors allow; prefer the name made for that size."""
    first = names[0]
    sizes = (image_size,) if image_size else _sizes(body, names)
    match = _match(body, first, twins, sizes)
    if match is None:
        return None
    size = match.spec.image_size
    made_for = next((name for name in names if _usual_size(name) == size), first)
    return replace(match, spec=replace(match.spec, architecture=made_for))


def _sizes(body: Body, names: tuple[str, ...]) -> Iterable[int]:
    usual = _usual_size(names[0])
    indexed = the_index().by_name.get(names[0])
    if indexed is None:
        return USUAL_IMAGE_SIZES
    if not indexed.facts.fixed_size:
        return (usual,)
    found = dict.fromkeys(map(_usual_size, names))
    expected = expected_shapes(get_architecture(names[0]).usual_spec(usual))
    of_classes = tuple(f"{layer}." for layer in indexed.facts.beside_head)
    for name in indexed.facts.loose:
        if not name.endswith("weight") and not name.startswith(of_classes) and name in expected:
            shape = body.shapes.get(body.prefix + name, ())
            found |= dict.fromkeys(_sizes_of(shape, expected[name], usual))
    return tuple(found)


def _sizes_of(shape: tuple[int, ...], usual_shape: tuple[int, ...], usual: int) -> list[int]:
    """Return image sizes for which a position table has this shape.

    A table has one row per patch, or per patch of one side, plus up to five for tokens.
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


def _match(
    body: Body, architecture: str, twins: tuple[str, ...], image_sizes: Iterable[int]
) -> Match | None:
    indexed, shapes = the_index().by_name.get(architecture), body.shapes
    heads = body.heads or _head_elsewhere(shapes, set(body.names), indexed)
    if not heads:
        return None
    head_name = indexed.facts.head_name if indexed else "head"
    own_heads = indexed.facts.heads if indexed and len(heads) > 1 else (head_name,)
    names = {name.removeprefix(body.prefix): name for name in body.names}
    names |= {
        f"{own_head}.{part}": f"{head}.{part}"
        for own_head, head in zip(own_heads, heads, strict=True)
        for part in ("weight", "bias")
        if f"{head}.{part}" in shapes
    }
    names |= _counters(names, shapes)
    renamed = _own_shapes(architecture, {name: shapes[names[name]] for name in names})
    if renamed is None:
        return None
    renamed[f"{head_name}.weight"] = flat(renamed[f"{head_name}.weight"])
    for size in image_sizes:
        if spec := _spec(architecture, renamed, size, head_name):
            used = set(names.values())
            return Match(spec, names, tuple(n for n in shapes if n not in used), twins)
    return None


def _own_shapes(architecture: str, shapes: Shapes) -> dict[str, tuple[int, ...]] | None:
    try:
        return get_architecture(architecture).own_shapes(shapes)
    except InvalidCheckpoint:
        return None


def _head_elsewhere(shapes: Shapes, used: set[str], indexed: Indexed | None) -> tuple[str, ...]:
    """Return the other linear layer that takes the body's features, if there is exactly one."""
    fitting = [
        name.removesuffix(".weight")
        for name, shape in shapes.items()
        if name.endswith(".weight") and name not in used and len(flat(shape)) == 2
        if indexed is None or shape[1] == indexed.facts.feature_dim
    ]
    return (fitting[0],) if len(fitting) == 1 else ()


def _counters(names: Mapping[str, str], shapes: Shapes) -> dict[str, str]:
    found = {}
    for name, theirs in names.items():
        if name.endswith("running_mean"):
            stem, other = (text.removesuffix("running_mean") for text in (name, theirs))
            if f"{other}num_batches_tracked" in shapes:
                found[f"{stem}num_batches_tracked"] = f"{other}num_batches_tracked"
    return found


def _spec(architecture: str, shapes: Shapes, image_size: int, head_name: str) -> NetworkSpec | None:
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
