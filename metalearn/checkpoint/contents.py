"""What is in a file: every set of weights, and what the file says about itself.

Nothing in the file is executed, imported or called, and no tensor is read before it is asked for.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from metalearn.checkpoint.facts import LeftOut, Said
from metalearn.checkpoint.finding import MAX_LEFT_OUT, find_weights, left_beside, tensors_of
from metalearn.checkpoint.folding import fold
from metalearn.checkpoint.foreign import refuse_foreign_file
from metalearn.checkpoint.mending import averaged_within, clean_names, without_counters
from metalearn.checkpoint.pickle_opcodes import ACTIONS
from metalearn.checkpoint.pickle_values import TensorRef, Value
from metalearn.checkpoint.safetensors_file import looks_like_safetensors, open_safetensors
from metalearn.checkpoint.saying import said_by, said_by_metadata
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.tensors import ReadStorage, check_budget, materialise
from metalearn.checkpoint.torch_file import read_torch_legacy, read_torch_zip
from metalearn.checkpoint.weights import Kind, Part, Read, Weights
from metalearn.checkpoint.wording import STATE_DICT
from metalearn.errors import InvalidCheckpoint

__all__ = ["Contents", "LeftOut", "Said", "Weights", "open_contents"]

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Contents:
    """Weights can be read as long as the file is open."""

    weights: tuple[Weights, ...]
    """At least one set; the first is the one to take, as timm does: averaged before raw."""
    said: Said
    left_out: tuple[LeftOut, ...]
    metadata: dict[str, str]
    """The texts that a safetensors file carries; empty for torch files."""


@contextmanager
def open_contents(path: Path) -> Iterator[Contents]:
    """Look into a file. Raises InvalidCheckpoint for one that has no weights to read."""
    with Source(path) as source:
        if looks_like_safetensors(source):
            yield _of_safetensors(source)
        else:
            refuse_foreign_file(source)
            yield _of_torch(*_read_torch(source))


def _read_torch(source: Source) -> tuple[Value, ReadStorage]:
    if source.head(4) == b"PK\x03\x04":
        return read_torch_zip(source)
    if source.head(1)[0] not in ACTIONS:
        raise InvalidCheckpoint(f"The file is of no kind that is known here; upload {STATE_DICT}.")
    return read_torch_legacy(source)


def _of_safetensors(source: Source) -> Contents:
    parts, read, metadata = open_safetensors(source)
    weights, left_out = _weights("raw", "", parts, read)
    return _contents(weights, left_out, said_by_metadata(metadata), metadata)


def _of_torch(value: Value, read_storage: ReadStorage) -> Contents:
    weights: list[Weights] = []
    left_out: list[LeftOut] = []
    found = find_weights(value)
    for group in found:
        refs, others = tensors_of(group)
        parts = {name: Part(name, ref.size, ref.dtype) for name, ref in refs.items()}
        sets, more = _weights(group.kind, group.where, parts, _reader(refs, read_storage))
        weights += sets
        left_out += others + more
    left_out += left_beside(value, found)
    module_class = next((group.module_class for group in found if group.module_class), None)
    return _contents(weights, left_out, replace(said_by(value), module_class=module_class), {})


def _reader(refs: Mapping[str, TensorRef], read_storage: ReadStorage) -> Read:
    return lambda names: materialise({name: refs[name] for name in names}, read_storage)


def _weights(
    kind: Kind, where: str, parts: Mapping[str, Part], read: Read
) -> tuple[list[Weights], list[LeftOut]]:
    """One set, or two when a network keeps its moving average among its own tensors."""
    check_budget(part.shape for part in parts.values())
    sets = []
    left_out: list[LeftOut] = []
    for inner_kind, inner_where, group in averaged_within(kind, where, parts):
        own, counters = without_counters(inner_kind, inner_where, group)
        left_out += counters
        named, others = fold(clean_names(own), inner_where)
        left_out += others
        if not named:
            raise InvalidCheckpoint(f"The file has no tensors in it; upload {STATE_DICT}.")
        sets.append(Weights("ema" if counters else inner_kind, inner_where, named, read))
    return sets, left_out


def _contents(
    weights: list[Weights], left_out: list[LeftOut], said: Said, metadata: dict[str, str]
) -> Contents:
    ordered = sorted(weights, key=lambda one: _rank(one, weights))
    return Contents(tuple(ordered), said, tuple(left_out[:MAX_LEFT_OUT]), metadata)


def _rank(one: Weights, others: list[Weights]) -> int:
    """Averages first, but last those that lack batch norm's statistics: they are no network."""
    if one.kind == "raw":
        return 1
    needed = {name for other in others for name in other.shapes if not name.endswith(_COUNTER)}
    return 0 if needed <= set(one.shapes) else 2
