"""Models split over several files. Only names beside the index are followed, never paths."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from torch import Tensor

from metalearn.checkpoint.limits import MAX_TENSORS
from metalearn.checkpoint.printable import check_tensor_name, shown
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.tensors import check_budget
from metalearn.checkpoint.weights import Part, Read
from metalearn.errors import InvalidCheckpoint

CompanionFiles = Path | Mapping[str, Path]
"""A folder, or files by the names in the index."""
_MAX_INDEX_BYTES = 8_000_000
_MAX_SHARDS = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,200}\.(safetensors|bin|pt|pth)")
_SUFFIX = ".index.json"
ReadShard = Callable[[Source], tuple[dict[str, Part], Read]]


def is_index(path: Path) -> bool:
    with Source(path) as source:
        return _weight_map(source) is not None


def index_in(folder: Path) -> Path:
    """Return a folder's index, preferring safetensors over torch files."""
    found = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda one: ("safetensors" not in one.name, one))
    if not found:
        raise InvalidCheckpoint(
            f"The folder has no index of weights, such as model.safetensors{_SUFFIX}; choose the "
            "file with the weights in it."
        )
    return found[0]


@contextmanager
def open_shards(
    index: Path, beside: CompanionFiles | None, read_shard: ReadShard
) -> Iterator[tuple[dict[str, Part], Read]]:
    """Yield all tensors of all shards in index order, and a function to read them."""
    with ExitStack() as stack:
        places = _weight_map(stack.enter_context(Source(index))) or {}
        files = _files(places, index.parent if beside is None else beside)
        found = {}
        for name, path in files.items():
            found[name] = read_shard(stack.enter_context(Source(path)))
            _check_shard(name, set(found[name][0]), places)
        parts = {tensor: found[name][0][tensor] for tensor, name in places.items()}
        check_budget(part.shape for part in parts.values())

        def read(names: Sequence[str]) -> dict[str, Tensor]:
            result: dict[str, Tensor] = {}
            for shard, (_, read_one) in found.items():
                result |= read_one([name for name in names if places[name] == shard])
            return result

        yield parts, read


def _weight_map(source: Source) -> dict[str, str] | None:
    if source.size > _MAX_INDEX_BYTES or bytes(source.head(1)) != b"{":
        return None
    try:
        content = json.loads(bytes(source.read(0, source.size)), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError):
        return None
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not places:
        return None
    for tensor, name in places.items():
        check_tensor_name(tensor)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _odd(
                f"it names “{shown(str(name)[:300])}”, which is not a file of weights beside it"
            )
    if len(places) > MAX_TENSORS or len(set(places.values())) > _MAX_SHARDS:
        raise _odd(f"it names more than {MAX_TENSORS:,} tensors or {_MAX_SHARDS} files")
    return places


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _odd("a name occurs twice in it")
    return result


def _files(places: Mapping[str, str], beside: CompanionFiles) -> dict[str, Path]:
    names = list(dict.fromkeys(places.values()))
    files = {}
    for name in names:
        path = beside / name if isinstance(beside, Path) else beside.get(name)
        if path is None or not path.is_file():
            raise InvalidCheckpoint(
                f"The file is the index of a model in {len(names)} parts, and the part "
                f"“{shown(name)}” is missing; give the whole folder, or write the model as one "
                'file with model.save_pretrained(path, max_shard_size="100GB").'
            )
        files[name] = path
    return files


def _check_shard(name: str, tensors: set[str], places: Mapping[str, str]) -> None:
    """Require index and shard to agree on every tensor, so that no tensor is in two shards."""
    for tensor in sorted(tensors):
        if places.get(tensor) != name:
            raise _odd(f"“{shown(tensor)}” is in the part “{shown(name)}”, but not in the index")
    for tensor, place in places.items():
        if place == name and tensor not in tensors:
            raise _odd(f"“{shown(tensor)}” is not in the part “{shown(name)}”")


def _odd(what: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The index and the parts of the model do not fit together: {what}; save the model again "
        "with model.save_pretrained(path)."
    )
