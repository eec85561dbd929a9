"""Contents of an uploaded file. Nothing is executed; tensors are read only on request."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from metalearn.checkpoint.facts import LeftOut, Statements
from metalearn.checkpoint.finding import MAX_LEFT_OUT, find_weights, left_beside, tensors_of
from metalearn.checkpoint.folding import fold
from metalearn.checkpoint.foreign import refuse_foreign_file
from metalearn.checkpoint.name_cleaning import averaged_within, clean_names, without_counters
from metalearn.checkpoint.partial import refuse_single_shard, usable_parts
from metalearn.checkpoint.pickle_opcodes import ACTIONS
from metalearn.checkpoint.pickle_values import TensorRef, Value
from metalearn.checkpoint.printable import STATE_DICT
from metalearn.checkpoint.safetensors_file import looks_like_safetensors, open_safetensors
from metalearn.checkpoint.shards import CompanionFiles, index_in, is_index, open_shards
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.statements import statements_of, statements_of_metadata
from metalearn.checkpoint.tensors import ReadStorage, check_budget, materialise
from metalearn.checkpoint.torch_file import read_torch_legacy, read_torch_zip
from metalearn.checkpoint.weights import Kind, Part, Read, Weights
from metalearn.errors import InvalidCheckpoint

__all__ = ["Contents", "LeftOut", "Statements", "Weights", "open_contents"]

_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Contents:
    """A file's sets of weights and facts. The weights can be read while the file is open."""

    weights: tuple[Weights, ...]
    """At least one set. The first is the default: averaged before raw, as in timm."""
    said: Statements
    left_out: tuple[LeftOut, ...]
    metadata: dict[str, str]
    """A safetensors file's metadata; empty for torch files."""


@contextmanager
def open_contents(path: Path, beside: CompanionFiles | None = None) -> Iterator[Contents]:
    """Open a file. Raises InvalidCheckpoint if it has no readable weights.

    For a sharded model, `path` is the index or its folder. `beside` gives the shards if they are
    not in the index's folder.
    """
    file = index_in(path) if path.is_dir() else path
    if is_index(file):
        with open_shards(file, beside, parts_of) as (parts, read):
            yield _contents(*_weights("raw", "", parts, read), Statements(), {})
        return
    refuse_single_shard(file.name)
    with Source(file) as source:
        yield _of(source)


def parts_of(source: Source) -> tuple[dict[str, Part], Read]:
    """Return the tensors of a file with one set of weights, by their names in the file."""
    if looks_like_safetensors(source):
        return open_safetensors(source)[:2]
    refuse_foreign_file(source)
    value, read_storage = _read_torch(source)
    refs = tensors_of(find_weights(value)[-1])[0]
    return _parts(refs), _reader(refs, read_storage)


def _of(source: Source) -> Contents:
    if looks_like_safetensors(source):
        parts, read, metadata = open_safetensors(source)
        weights = _weights("raw", "", parts, read)
        return _contents(*weights, statements_of_metadata(metadata), metadata)
    refuse_foreign_file(source)
    return _of_torch(*_read_torch(source))


def _read_torch(source: Source) -> tuple[Value, ReadStorage]:
    if source.head(4) == b"PK\x03\x04":
        return read_torch_zip(source)
    if source.head(1)[0] not in ACTIONS:
        raise InvalidCheckpoint(f"The file's format is not supported; upload {STATE_DICT}.")
    return read_torch_legacy(source)


def _of_torch(value: Value, read_storage: ReadStorage) -> Contents:
    weights: list[Weights] = []
    left_out: list[LeftOut] = []
    found = find_weights(value)
    for group in found:
        refs, others = tensors_of(group)
        read = _reader(refs, read_storage)
        sets, more = _weights(group.kind, group.where, _parts(refs), read)
        weights += sets
        left_out += others + more
    left_out += left_beside(value, found)
    module_class = next((group.module_class for group in found if group.module_class), None)
    return _contents(
        weights, left_out, replace(statements_of(value), module_class=module_class), {}
    )


def _parts(refs: Mapping[str, TensorRef]) -> dict[str, Part]:
    return {name: Part(name, ref.size, ref.dtype) for name, ref in refs.items()}


def _reader(refs: Mapping[str, TensorRef], read_storage: ReadStorage) -> Read:
    return lambda names: materialise({name: refs[name] for name in names}, read_storage)


def _weights(
    kind: Kind, where: str, parts: Mapping[str, Part], read: Read
) -> tuple[list[Weights], list[LeftOut]]:
    """Return one set, or two if a network stores its moving average among its own tensors."""
    check_budget(part.shape for part in parts.values())
    usable, left_out = usable_parts(parts, where)
    sets = []
    for inner_kind, inner_where, group in averaged_within(kind, where, usable):
        own, counters = without_counters(inner_kind, inner_where, group)
        left_out += counters
        named, others = fold(clean_names(own), inner_where)
        left_out += others
        if not named:
            raise InvalidCheckpoint(f"The file has no tensors in it; upload {STATE_DICT}.")
        sets.append(Weights("ema" if counters else inner_kind, inner_where, named, read))
    return sets, left_out


def _contents(
    weights: list[Weights], left_out: list[LeftOut], said: Statements, metadata: dict[str, str]
) -> Contents:
    ordered = sorted(weights, key=lambda one: _rank(one, weights))
    return Contents(tuple(ordered), said, tuple(left_out[:MAX_LEFT_OUT]), metadata)


def _rank(one: Weights, others: list[Weights]) -> int:
    """Rank averages first, but last if they lack the batch-norm statistics needed to run."""
    if one.kind == "raw":
        return 1
    needed = {name for other in others for name in other.shapes if not name.endswith(_COUNTER)}
    return 0 if needed <= set(one.shapes) else 2
