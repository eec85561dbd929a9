"""Inert data that a pickle of weights turns into."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from metalearn.checkpoint.limits import MAX_DIMENSIONS
from metalearn.checkpoint.printable import STATE_DICT, shown
from metalearn.errors import InvalidCheckpoint

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "int32": torch.int32,
    "int16": torch.int16,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
}
"""Supported dtypes of weights and counters."""
_OTHER_DTYPES = {
    name: getattr(torch, name)
    for name in (
        *("complex32", "complex64", "complex128", "uint16", "uint32", "uint64"),
        *("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
        *("float4_e2m1fn_x2", "qint8", "quint8", "qint32"),
    )
    if hasattr(torch, name)
}
_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "QInt8Storage": torch.qint8,
    "QUInt8Storage": torch.quint8,
    "QInt32Storage": torch.qint32,
}
_UNTYPED = {"torch.UntypedStorage", "torch.storage.UntypedStorage"}
_MAX_STORAGE_KEY = 100
_MAX_KEY_LENGTH = 1_000
_MAX_KEY_NUMBER = 2**53
_DTYPE_ALIASES = {"double": "float64", "float": "float32", "half": "float16", "long": "int64"}

Value = object
"""None, bool, int, float, str, bytes, tuple, list, dict, or a class of this package."""


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle mentions. It is never looked up."""

    path: str


@dataclass(frozen=True)
class StorageRef:
    """Bytes of the file that tensors share; dtype None means untyped."""

    key: str
    dtype: torch.dtype | None
    n_bytes: int


@dataclass(frozen=True)
class TensorRef:
    """A tensor as the pickle describes it; offset, size and stride count elements."""

    storage: StorageRef
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]
    negated: bool = False
    """Whether the stored numbers have the opposite sign, as those of a negated view."""


class Record:
    """An object as the pickle describes it: the name of its class and its arguments.

    It is never instantiated. `state` holds the attributes that `__setstate__` would get, `items`
    the content of a dictionary or list subclass. Records compare by identity only: they may contain
    each other in cycles.
    """

    __slots__ = ("args", "items", "path", "state")

    def __init__(self, path: str, args: tuple[Value, ...] = ()) -> None:
        self.path = path
        self.args = args
        self.state: Value = None
        self.items: dict[Value, Value] | list[Value] | None = None


def storage_ref(kind: Value, key: Value, numel: Value) -> StorageRef:
    """Parse a persistent id's class, key and element count."""
    if not isinstance(kind, Global) or type(key) is not str or not _is_count(numel):
        raise damaged("a storage is not described the way torch does")
    if len(key) > _MAX_STORAGE_KEY:
        raise damaged("the name of a storage is too long")
    assert isinstance(numel, int)
    if kind.path in _UNTYPED:
        return StorageRef(key, None, numel)
    dtype = _STORAGES.get(kind.path.removeprefix("torch."))
    if dtype is None:
        raise damaged(f"“{shown(kind.path)}” is not a storage")
    return StorageRef(key, dtype, numel * dtype.itemsize)


def damaged(what: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The file's pickle is damaged or not a list of weights: {what}; upload {STATE_DICT}."
    )


def _is_count(value: Value) -> bool:
    return type(value) is int and 0 <= value < 2**48


def _counts(value: Value) -> tuple[int, ...]:
    if type(value) not in {tuple, list}:
        raise damaged("a tensor's shape is not a list of numbers")
    assert isinstance(value, tuple | list)
    if len(value) > MAX_DIMENSIONS or not all(_is_count(item) for item in value):
        raise damaged(
            f"a tensor's shape has more than {MAX_DIMENSIONS} dimensions or impossible numbers"
        )
    return tuple(value)


def _tensor(arguments: tuple[Value, ...]) -> TensorRef:
    """Interpret `_rebuild_tensor(storage, offset, size, stride)`, and v2 with more arguments."""
    if len(arguments) not in {4, 6, 7}:
        raise damaged("a tensor has the wrong number of parts")
    storage = arguments[0]
    if not isinstance(storage, StorageRef) or storage.dtype is None:
        raise damaged("a tensor has no typed storage")
    return _tensor_ref(storage, storage.dtype, arguments, signs=arguments[6:])


def _tensor_v3(arguments: tuple[Value, ...]) -> TensorRef:
    """Interpret `_rebuild_tensor_v3(storage, offset, size, stride, grad, hooks, dtype)`."""
    if len(arguments) not in {7, 8}:
        raise damaged("a tensor has the wrong number of parts")
    storage, dtype = arguments[0], arguments[6]
    if not isinstance(storage, StorageRef) or not isinstance(dtype, Global):
        raise damaged("a tensor has no storage or no dtype")
    name = dtype.path.removeprefix("torch.")
    name = _DTYPE_ALIASES.get(name, name)
    kind = DTYPES.get(name) or _OTHER_DTYPES.get(name)
    if kind is None:
        raise damaged(f"“{shown(dtype.path)}” is not a dtype")
    return _tensor_ref(storage, kind, arguments, signs=arguments[7:])


def _tensor_ref(
    storage: StorageRef, dtype: torch.dtype, arguments: tuple[Value, ...], signs: tuple[Value, ...]
) -> TensorRef:
    offset, size, stride = arguments[1], _counts(arguments[2]), _counts(arguments[3])
    if not _is_count(offset) or len(size) != len(stride):
        raise damaged("a tensor's offset, shape and strides do not fit together")
    assert isinstance(offset, int)
    return TensorRef(storage, dtype, offset, size, stride, negated=_is_negated(signs, dtype))


def _is_negated(signs: tuple[Value, ...], dtype: torch.dtype) -> bool:
    """Read the pending signs that `torch._utils.get_tensor_metadata` adds as last argument."""
    metadata = signs[0] if signs else None
    if metadata is None:
        return False
    if not isinstance(metadata, dict):
        raise damaged("a tensor's sign metadata is not a dictionary")
    if metadata.get("conj"):
        raise InvalidCheckpoint(
            "The file has a conjugated view of complex numbers; save it again with "
            "tensor.resolve_conj()."
        )
    negated = metadata.get("neg") is True
    if negated and not dtype.is_floating_point:
        raise damaged("it negates numbers that have no sign")
    return negated


def _parameter(arguments: tuple[Value, ...]) -> TensorRef:
    """Interpret `_rebuild_parameter(data, requires_grad, hooks)`, with or without attributes."""
    if len(arguments) not in {3, 4} or not isinstance(arguments[0], TensorRef):
        raise damaged("a parameter has no tensor")
    return arguments[0]


def _size(arguments: tuple[Value, ...]) -> tuple[int, ...]:
    return _counts(arguments[0]) if len(arguments) == 1 else ()


def _device(arguments: tuple[Value, ...]) -> str:
    """Interpret `torch.device("cuda", 1)`; kept short, as a pickle may repeat it 100,000 times."""
    kind, index = (*arguments, None)[:2]
    if len(arguments) not in {1, 2} or type(kind) is not str or len(kind) > _MAX_STORAGE_KEY:
        raise damaged("a device is not described the way torch does")
    return kind if index is None else f"{kind}:{index}" if type(index) is int else kind


def _ordered_dict(arguments: tuple[Value, ...]) -> dict[Value, Value]:
    if not arguments:
        return {}
    pairs = arguments[0]
    if len(arguments) != 1 or type(pairs) not in {list, tuple}:
        raise damaged("an OrderedDict is not made of pairs")
    assert isinstance(pairs, list | tuple)
    result: dict[Value, Value] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise damaged("an OrderedDict is not made of pairs")
        result[check_key(pair[0])] = pair[1]
    return result


def check_key(key: Value) -> Value:
    """Return a key that is cheap to hash and compare, or raise InvalidCheckpoint.

    Nested tuples could take forever to hash, so they become records, which are hashed by identity.
    Equal long texts are compared letter by letter each time, and large integers can be chosen to
    collide.
    """
    if isinstance(key, Global | Record):
        return key
    if isinstance(key, tuple):
        return Record("builtins.tuple", key)
    if key is not None and type(key) not in {str, int, float, bool, bytes}:
        raise damaged("a dictionary has a key that is neither text nor number")
    if isinstance(key, str | bytes) and len(key) > _MAX_KEY_LENGTH:
        raise damaged(f"a dictionary has a key of more than {_MAX_KEY_LENGTH} letters")
    if isinstance(key, int | float) and abs(key) > _MAX_KEY_NUMBER:
        raise damaged("a dictionary has an immense number as a key")
    return key


Meaning = Callable[[tuple[Value, ...]], Value]
MEANINGS: dict[str, Meaning] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered_dict,
}
"""Calls that rebuild weights."""

KINDS = _UNTYPED | {f"torch.{name}" for name in (*_STORAGES, *DTYPES, *_OTHER_DTYPES)}
"""Names of storages and dtypes."""
