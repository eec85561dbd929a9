"""Strict reader and own writer for safetensors: https://huggingface.co/docs/safetensors"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from metalearn.checkpoint.kinds import unusable
from metalearn.checkpoint.limits import MAX_DIMENSIONS, MAX_HEADER_BYTES
from metalearn.checkpoint.printable import check_tensor_name, shown
from metalearn.checkpoint.source import Source
from metalearn.checkpoint.tensors import check_budget, tensor_from_bytes
from metalearn.checkpoint.weights import Part, Read
from metalearn.errors import InvalidCheckpoint

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
# The format's dtypes that are not supported here.
_OTHERS = {
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "C64": torch.complex64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz,
    "F8_E8M0": torch.float8_e8m0fnu,
}
_PACKED = frozenset({"F4", "F6_E2M3", "F6_E3M2"})


@dataclass(frozen=True)
class _Span:
    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int


def looks_like_safetensors(source: Source) -> bool:
    head = source.head(9)
    return len(head) == 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**40


def open_safetensors(source: Source) -> tuple[dict[str, Part], Read, dict[str, str]]:
    """Return all tensors in byte order, a function to read them, and `__metadata__`."""
    length = int.from_bytes(source.read(0, 8), "little")
    if length > MAX_HEADER_BYTES:
        raise _odd(f"its header is larger than {MAX_HEADER_BYTES:,} bytes")
    header = _parse_header(bytes(source.read(8, length)))
    metadata = _parse_metadata(header.pop("__metadata__", {}))
    spans = [_parse_span(name, entry) for name, entry in header.items()]
    spans.sort(key=lambda span: (span.begin, span.end))
    _check_cover(spans, source.size - 8 - length)
    check_budget(span.shape for span in spans)
    by_name = {span.name: span for span in spans}

    def read(names: Sequence[str]) -> dict[str, Tensor]:
        return {name: _read_span(source, 8 + length, by_name[name]) for name in names}

    parts = {span.name: Part(span.name, span.shape, span.dtype) for span in spans}
    return parts, read, metadata


def _read_span(source: Source, start: int, span: _Span) -> Tensor:
    data = source.read(start + span.begin, span.end - span.begin)
    return tensor_from_bytes(span.name, data, span.dtype, span.shape)


def write_safetensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]
) -> None:
    """Write atomically. Equal content gives equal bytes, unlike with the library's own writer."""
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    at = 0
    for name in order:
        tensor = tensors[name]
        end = at + tensor.numel() * tensor.dtype.itemsize
        header[name] = {
            "dtype": _NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with _whole_or_nothing(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(tensor_bytes(tensors[name]))


def tensor_bytes(tensor: Tensor) -> memoryview:
    """Return a tensor's numbers in row-major order as bytes, without a copy if possible."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _odd(what: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The safetensors file is not valid: {what}; "
        "save it again with safetensors.torch.save_file."
    )


def _parse_header(data: bytes) -> dict[str, object]:
    try:
        header = json.loads(data.decode("utf-8"), object_pairs_hook=_no_doubles)
    except (ValueError, RecursionError):
        raise _odd("its header is not JSON, or the file is cut off") from None
    # Spaces may follow for alignment; anything else could hide data.
    if not isinstance(header, dict) or data.rstrip(b" ")[-1:] != b"}":
        raise _odd("its header is not a JSON object")
    return header


def _no_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _odd("a name occurs twice in its header")
    return result


def _parse_metadata(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        raise _odd("its metadata is not a list of texts")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise _odd("its metadata is not a list of texts")
    return metadata


def _parse_span(name: str, entry: object) -> _Span:
    check_tensor_name(name)
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _odd(f"“{shown(name)}” lacks its dtype, shape or place")
    kind = entry["dtype"] if isinstance(entry["dtype"], str) else ""
    if kind in _PACKED:
        raise unusable(name, kind)
    dtype = _DTYPES.get(kind) or _OTHERS.get(kind)
    if dtype is None:
        raise _odd(f"“{shown(name)}” has the unknown dtype “{shown(str(entry['dtype']))}”")
    shape, offsets = _counts(name, entry["shape"]), _counts(name, entry["data_offsets"])
    if len(shape) > MAX_DIMENSIONS or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise _odd(f"“{shown(name)}” has an impossible shape or place")
    n_bytes = dtype.itemsize
    for length in shape:
        n_bytes *= length
    if n_bytes != offsets[1] - offsets[0]:
        raise _odd(f"the shape of “{shown(name)}” does not fit its bytes")
    return _Span(name, dtype, shape, offsets[0], offsets[1])


def _counts(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or len(value) > 2 * MAX_DIMENSIONS:
        raise _odd(f"“{shown(name)}” has an impossible shape or place")
    if not all(type(item) is int and 0 <= item < 2**48 for item in value):
        raise _odd(f"“{shown(name)}” has an impossible shape or place")
    return tuple(value)


def _check_cover(spans: list[_Span], n_bytes: int) -> None:
    at = 0
    for span in spans:
        if span.begin != at:
            raise _odd(f"the bytes of “{shown(span.name)}” overlap others or leave a gap")
        at = span.end
    if at != n_bytes:
        raise _odd("bytes are missing, or belong to no tensor (it may be cut off)")
