"""Weights saved by `torch.export.save`: raw bytes and a JSON index. The program is not read."""

import json
import re

import torch

from metalearn.checkpoint.limits import MAX_DIMENSIONS
from metalearn.checkpoint.pickle_values import StorageRef, TensorRef, Value
from metalearn.checkpoint.printable import shown
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.tensors import ReadStorage
from metalearn.checkpoint.zip_reader import Entry, read_entry
from metalearn.errors import InvalidCheckpoint

_WEIGHTS = "data/weights/"
_MEMBER = re.compile(r"weight_[0-9]{1,9}")
_CONFIG = "_weights_config.json"
_MAX_CONFIG_BYTES = 8_000_000
# torch._export.serde.schema.ScalarType
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    10: torch.complex64,
    12: torch.bool,
    13: torch.bfloat16,
    28: torch.uint16,
    29: torch.float8_e4m3fn,
    30: torch.float8_e5m2,
    34: torch.uint32,
    35: torch.uint64,
}


def in_one_folder(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Strip the folder that torch puts all members into."""
    folders = {name.split("/", 1)[0] for name in entries}
    members = {name.split("/", 1)[-1]: entry for name, entry in entries.items()}
    if len(folders) != 1 or any("/" not in name for name in entries):
        raise InvalidCheckpoint(
            "The file is damaged or not a list of weights: its members are not in one folder; save "
            "it again with torch.save(model.state_dict(), …)."
        )
    return members


def read_exported(source: Source, entries: dict[str, Entry]) -> tuple[Value, ReadStorage]:
    """Return the state dict without reading its bytes, and a function that reads them."""
    configs = [n for n in entries if n.startswith(_WEIGHTS) and n.endswith(_CONFIG)]
    if not configs:
        raise InvalidCheckpoint(
            "The file is an exported or compiled program without weights in it; upload "
            "torch.save(model.state_dict(), …) of the model that it was made from."
        )
    if len(configs) != 1:
        raise InvalidCheckpoint(
            f"The file is an exported program with the weights of {len(configs)} models; export "
            "one model with torch.export.save, or upload torch.save(model.state_dict(), …)."
        )
    state: dict[Value, Value] = {
        name: _tensor(name, entry, entries)
        for name, entry in _config(source, entries[configs[0]]).items()
    }
    return state, lambda ref: read_entry(source, entries[ref.key])


def _config(source: Source, entry: Entry) -> dict[str, object]:
    if entry.size > _MAX_CONFIG_BYTES:
        raise _odd("its list of weights is too long")
    try:
        content = json.loads(bytes(read_entry(source, entry)), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError):
        raise _odd("its list of weights is not JSON") from None
    weights = content.get("config") if isinstance(content, dict) else None
    if not isinstance(weights, dict):
        raise _odd("its list of weights is missing")
    return weights


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _odd("a name occurs twice in its list of weights")
    return result


def _tensor(name: str, entry: object, entries: dict[str, Entry]) -> TensorRef:
    meta = entry.get("tensor_meta") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(meta, dict) or entry.get("use_pickle"):
        raise _odd(f"“{shown(name)}” is not described the way torch does")
    path = entry.get("path_name")
    plain = isinstance(path, str) and _MEMBER.fullmatch(path) is not None
    member = entries.get(f"{_WEIGHTS}{path}") if plain else None
    if member is None:
        raise _odd(f"the bytes of “{shown(name)}” are missing")
    number = meta.get("dtype")
    dtype = _DTYPES.get(number) if type(number) is int else None
    if dtype is None:
        raise _odd(f"“{shown(name)}” has an unknown dtype")
    size, stride = _counts(name, meta.get("sizes")), _counts(name, meta.get("strides"))
    if len(size) != len(stride):
        raise _odd(f"“{shown(name)}” has an impossible shape")
    storage = StorageRef(f"{_WEIGHTS}{path}", dtype, member.size)
    return TensorRef(storage, dtype, _count(name, meta.get("storage_offset")), size, stride)


def _counts(name: str, values: object) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) > MAX_DIMENSIONS:
        raise _odd(f"“{shown(name)}” has an impossible shape")
    return tuple(_count(name, value) for value in values)


def _count(name: str, value: object) -> int:
    """Parse {"as_int": 3}. Symbolic sizes occur only for inputs, never for weights."""
    number = value.get("as_int") if isinstance(value, dict) else None
    if type(number) is not int or not 0 <= number < 2**48:
        raise _odd(f"“{shown(name)}” has an impossible shape")
    return number


def _odd(what: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The exported program is damaged: {what}; export it again with torch.export.save, or "
        "upload torch.save(model.state_dict(), …)."
    )
