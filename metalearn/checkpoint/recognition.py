"""Choice of the architecture: by the user, by names in the file, then by the tensors alone.

Two architectures can have the same tensors and compute different things. So the user must choose if
more than one fits and nothing names one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from contract.limits import MAX_IMAGE_SIZE
from metalearn.checkpoint.dialects import Translation, translate
from metalearn.checkpoint.matching import Match, find_matches, match_as
from metalearn.checkpoint.printable import shown
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import all_architectures, expected_shapes, get_architecture
from metalearn.networks.base import Shapes
from metalearn.networks.index import is_counter, the_index

CHOSEN, TENSORS = "chosen", "tensors"
_LIBRARIES = ("torchvision/", "timm/")
# Words in tensor names that no classifier computes with.
_INERT = re.compile(
    r"(^|[._])(criterion|loss(es)?|metrics?|acc(uracy)?|auroc|f1(_?score)?|precision|recall|confmat|"
    r"confusion(_?matrix)?|(train|val|valid|test)_(acc|loss|metrics?|f1)\w*|aux(logits|1|2)|"
    r"(pixel_|image_)?(mean|std)|class_weights?|pos_weight|ema|momentum|n_averaged)([._]|$)",
    re.IGNORECASE,
)
_MOST_SHOWN = 8


class AmbiguousCheckpoint(InvalidCheckpoint):
    """The tensors fit architectures that compute different things, so the owner must choose."""

    def __init__(self, message: str, candidates: Sequence[str]) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


@dataclass(frozen=True)
class Recognised:
    match: Match
    told_by: str
    """`chosen`, `tensors`, or where the file names it, such as `args.model`."""
    candidates: tuple[str, ...]
    """Every architecture that names and shapes allow; the recognised one first."""

    @property
    def guessed(self) -> bool:
        """Whether only the tensors identified it."""
        return self.told_by == TENSORS


def recognise(
    shapes: Shapes,
    *,
    chosen: str | None = None,
    said: Sequence[tuple[str, str]] = (),
    image_size: int | None = None,
) -> Recognised:
    """Return the architecture of tensors with these names and shapes.

    `said` holds (name, place) pairs from the file. Raises InvalidCheckpoint, naming the difference,
    or AmbiguousCheckpoint if the user must choose.
    """
    if image_size is not None and not 1 <= image_size <= MAX_IMAGE_SIZE:
        raise InvalidCheckpoint(
            f"The image size must be from 1 to {MAX_IMAGE_SIZE} pixels, not {image_size}; "
            "give the size the model was trained with."
        )
    found = _found(shapes, chosen, said, image_size)
    if not chosen:
        _refuse_more_than_that(found)
    return found


def _found(
    shapes: Shapes, chosen: str | None, said: Sequence[tuple[str, str]], image_size: int | None
) -> Recognised:
    if translation := translate(shapes):
        return _translated(shapes, translation, chosen, image_size)
    if chosen:
        return Recognised(_as(shapes, chosen, image_size), CHOSEN, (get_architecture(chosen).name,))
    if said:
        return _as_said(shapes, said, image_size)
    matches = find_matches(shapes, image_size)
    if not matches:
        raise _fits_nothing(shapes, image_size)
    candidates = _candidates(matches)
    if len(matches) > 1:
        raise AmbiguousCheckpoint(
            f"The tensors fit {_listed(_representatives(matches))}, which compute different "
            "things, and the file does not say which it is; choose the architecture.",
            _representatives(matches),
        )
    return Recognised(matches[0], TENSORS, candidates)


def _refuse_more_than_that(found: Recognised) -> None:
    """Refuse extra tensors: a network that has more layers computes something else."""
    more = [name for name in found.match.left_out if not _INERT.search(name)]
    if more:
        name = found.match.spec.architecture
        others = f" and {len(more) - 1} more" if len(more) > 1 else ""
        raise AmbiguousCheckpoint(
            f"Besides the tensors of {name} the file has “{shown(more[0])}”{others}, so it may be "
            f"a different network. Choose {name} if the network does not use them.",
            [name],
        )


def _translated(
    shapes: Shapes, translation: Translation, chosen: str | None, image_size: int | None
) -> Recognised:
    renamed = {new: shapes[old] for new, old in translation.names.items()}
    if chosen:
        found = _as(renamed, chosen, image_size)
    else:
        fitting = [
            match
            for name in the_index().by_name
            if name.startswith(translation.prefix)
            if (match := match_as(renamed, name, image_size))
        ]
        if not fitting:
            raise _fits_nothing(renamed, image_size)
        found = fitting[0]
    match = replace(
        found,
        names={name: translation.names[new] for name, new in found.names.items()},
        left_out=tuple(translation.names[new] for new in found.left_out),
    )
    return Recognised(match, CHOSEN if chosen else translation.where, _candidates([match]))


def known_names(said: str) -> tuple[str, ...]:
    """Return the architectures that a name in a file may mean; timm and torchvision share names."""
    name = said.strip().removeprefix("hf_hub:").removeprefix("hf-hub:")
    name = name.removeprefix("timm/").removeprefix("torchvision/").removeprefix("tv_")
    # timm appends the weights' tag to the architecture: “resnet18.a1_in1k”.
    spellings = {name.partition(".")[0], re.sub(r"[\s-]+", "_", name.partition(".")[0].lower())}
    own = [spelling for spelling in spellings if spelling in _own_names()]
    index = the_index().by_name
    asked = said.strip()
    libraries = (asked[: asked.index("/") + 1],) if asked.startswith(_LIBRARIES) else _LIBRARIES
    theirs = [lib + spelling for lib in libraries for spelling in sorted(spellings)]
    return tuple(dict.fromkeys([*own, *(full for full in theirs if full in index)]))


def _own_names() -> frozenset[str]:
    return frozenset(name for name in all_architectures() if "/" not in name)


def _as(shapes: Shapes, architecture: str, image_size: int | None) -> Match:
    if match := match_as(shapes, architecture, image_size):
        return match
    other = match_as(shapes, architecture) if image_size else None
    if other:
        raise _other_size(other, image_size)
    raise InvalidCheckpoint(
        f"The file is not {get_architecture(architecture).name}: "
        f"{_difference(shapes, architecture, image_size)}; choose the architecture that it was "
        "saved from."
    )


def _as_said(shapes: Shapes, said: Sequence[tuple[str, str]], image_size: int | None) -> Recognised:
    """Recognise by the first known name in the file; never fall back to another architecture."""
    for name, where in said:
        if names := known_names(name):
            fitting = {m.twins: m for n in names if (m := match_as(shapes, n, image_size))}
            if len(fitting) == 1:
                match = next(iter(fitting.values()))
                return Recognised(match, where, _candidates([match]))
            if fitting:
                choices = _representatives(list(fitting.values()))
                raise AmbiguousCheckpoint(
                    f"The file calls itself “{shown(name, 60)}” ({shown(where, 60)}), which may "
                    f"be {_listed(choices)}; choose the architecture.",
                    choices,
                )
            raise _not_as_said(shapes, (name, where), names[0], image_size)
    name, where = said[0]
    matches = find_matches(shapes, image_size)
    if not matches:
        raise _fits_nothing(shapes, image_size)
    raise AmbiguousCheckpoint(
        f"The file calls itself “{shown(name, 60)}” ({shown(where, 60)}), which is not "
        f"a known architecture; its tensors would fit "
        f"{_listed(_representatives(matches))}: choose the architecture if it is one of these.",
        _representatives(matches),
    )


def _not_as_said(
    shapes: Shapes, said: tuple[str, str], architecture: str, image_size: int | None
) -> InvalidCheckpoint:
    if image_size and (other := match_as(shapes, architecture)):
        return _other_size(other, image_size)
    name, where = said
    choices = _representatives(find_matches(shapes, image_size))
    hint = f"; its tensors would fit {_listed(choices)}" if choices else ""
    return AmbiguousCheckpoint(
        f"The file calls itself “{shown(name, 60)}” ({shown(where, 60)}), but "
        f"{_difference(shapes, architecture, image_size)}{hint}. Choose the architecture that it "
        "was saved from.",
        choices,
    )


def _fits_nothing(shapes: Shapes, image_size: int | None) -> InvalidCheckpoint:
    other = find_matches(shapes) if image_size else []
    if other:
        return _other_size(other[0], image_size)
    return InvalidCheckpoint(
        "The tensors match no classifier of timm, torchvision or Freehold with a linear head; "
        "upload the state dict of such a model with unchanged layers, or a zip of a transformers "
        "model's folder with config.json."
    )


def _other_size(match: Match, image_size: int | None) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The tensors are those of {match.spec.architecture} for images of another size, such as "
        f"{match.spec.image_size} pixels instead of {image_size}; correct the image size."
    )


def _candidates(matches: Iterable[Match]) -> tuple[str, ...]:
    names = (n for match in matches for n in (match.spec.architecture, *match.twins))
    return tuple(dict.fromkeys(names))


def _representatives(matches: Iterable[Match]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match.spec.architecture for match in matches))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    first = names[:_MOST_SHOWN]
    if more or len(first) == 1:
        return ", ".join(first) + more
    return f"{', '.join(first[:-1])} or {first[-1]}"


def _difference(shapes: Shapes, architecture: str, image_size: int | None) -> str:
    kind = get_architecture(architecture)
    indexed = the_index().by_name.get(kind.name)
    size = image_size or (indexed.facts.image_size if indexed else 32)
    expected = expected_shapes(kind.usual_spec(size))
    in_files = kind.names_in_files(expected)
    prefix, names = _best_prefix(shapes, in_files)
    missing = [name for name in in_files if name not in names and not is_counter(name)]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return f"its tensor “{prefix}{missing[0]}”{more} is missing"
    try:
        # Use the file's width, so that only real differences are named.
        own = kind.own_shapes({name: shapes[theirs] for name, theirs in names.items()})
        spec = kind.read_spec(own, size)
    except InvalidCheckpoint as error:
        return str(error).partition(";")[0]
    for name, shape in expected_shapes(spec).items():
        if name in names and shapes[names[name]] != shape:
            found = list(shapes[names[name]])
            return f"its tensor “{shown(names[name])}” has shape {found} instead of {list(shape)}"
    return "it has more tensors than that"


def _best_prefix(shapes: Shapes, expected: Iterable[str]) -> tuple[str, Mapping[str, str]]:
    prefixes = {""} | {
        ".".join(parts[:depth]) + "."
        for parts in (name.split(".") for name in shapes)
        for depth in range(1, min(len(parts), 4))
    }

    def under(prefix: str) -> dict[str, str]:
        return {n.removeprefix(prefix): n for n in shapes if n.startswith(prefix)}

    wanted = set(expected)
    best = max(
        sorted(prefixes), key=lambda prefix: (len(set(under(prefix)) & wanted), -len(prefix))
    )
    return best, under(best)
