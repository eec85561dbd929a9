"""The plain data that a pickle of weights turns into; nothing in here can run."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from metalearn.checkpoint.limits import MAX_DIMENSIONS
from metalearn.checkpoint.wording import STATE_DICT, shown
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
}
_UNTYPED = {"torch.UntypedStorage", "torch.storage.UntypedStorage"}
_DTYPE_ALIASES = {"double": "float64", "float": "float32", "half": "float16", "long": "int64"}

Value = object
"""None, bool, int, float, str, bytes, tuple, list, dict, or one of the classes below."""


@dataclass(frozen=True)
class Global:
    """A name that the pickle mentions. It is never looked up."""

    path: str


@dataclass(frozen=True)
class StorageRef:
    """Bytes of the file that a tensor looks at; `n_bytes` of them, typed or not (dtype None)."""

    key: str
    dtype: torch.dtype | None
    n_bytes: int


@dataclass(frozen=True)
class TensorRef:
    """A tensor as the pickle describes it: offset, size and stride count elements."""

    storage: StorageRef
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def storage_ref(kind: Value, key: Value, numel: Value) -> StorageRef:
    """The storage of a persistent id: its class, its key and its number of elements."""
    if not isinstance(kind, Global) or type(key) is not str or not _is_count(numel):
        raise damaged("a storage is not described as torch does")
    assert isinstance(numel, int)
    if kind.path in _UNTYPED:
        return StorageRef(key, None, numel)
    dtype = _STORAGES.get(kind.path.removeprefix("torch."))
    if dtype is None:
        raise damaged(f"“{shown(kind.path)}” is not a storage")
    return StorageRef(key, dtype, numel * dtype.itemsize)


def interpret(function: Value, arguments: Value) -> Value:
    """What a call in the pickle stands for, as plain data. Nothing is called."""
    if not isinstance(function, Global) or type(arguments) is not tuple:
        raise damaged("it calls something that is no function")
    meaning = _MEANINGS.get(function.path)
    if meaning is None:
        raise damaged(f"it calls “{shown(function.path)}”")
    return meaning(arguments)


def check_global(module: str, name: str) -> Global:
    """A Global when weights may mention this name, else InvalidCheckpoint naming it."""
    path = f"{module}.{name}"
    if path not in ALLOWED_GLOBALS:
        raise InvalidCheckpoint(_refusal(path))
    return Global(path)


def damaged(what: str) -> InvalidCheckpoint:
    """A pickle that torch.save would not have written."""
    return InvalidCheckpoint(
        f"The file's pickle is damaged or not a list of weights: {what}; upload {STATE_DICT}."
    )


def _refusal(path: str) -> str:
    owner = path.split(".", 1)[0]
    if path.startswith(("torch.jit.", "__torch__")):
        return (
            f"The file is a TorchScript program (“{shown(path)}”); load it where you trust it and "
            "upload torch.save(model.state_dict(), …) instead."
        )
    if path.startswith("torch.nn.") or owner in _MODEL_LIBRARIES:
        return (
            f"The file is a whole pickled model (“{shown(path)}”), which cannot be read without "
            "running code; upload torch.save(model.state_dict(), …) instead."
        )
    if owner in {"numpy", "joblib", "sklearn", "pandas", "scipy"}:
        return (
            f"The file has Python objects that are not tensors (“{shown(path)}”); "
            f"upload {STATE_DICT} with tensors only."
        )
    return (
        f"The file mentions “{shown(path)}”, which no list of weights needs, so it is not read; "
        f"upload {STATE_DICT}."
    )


_MODEL_LIBRARIES = frozenset(
    {
        "__main__",
        "torchvision",
        "timm",
        "transformers",
        "fastai",
        "pytorch_lightning",
        "lightning",
        "keras",
        "tensorflow",
        "ultralytics",
        "models",
        "model",
        "network",
        "networks",
    }
)


def _is_count(value: Value) -> bool:
    return type(value) is int and 0 <= value < 2**48


def _counts(value: Value) -> tuple[int, ...]:
    """A tuple of dimensions or strides."""
    if type(value) not in {tuple, list}:
        raise damaged("a tensor's shape is no list of numbers")
    assert isinstance(value, tuple | list)
    if len(value) > MAX_DIMENSIONS or not all(_is_count(item) for item in value):
        raise damaged(
            f"a tensor's shape has more than {MAX_DIMENSIONS} dimensions or impossible numbers"
        )
    return tuple(value)


def _tensor(arguments: tuple[Value, ...]) -> TensorRef:
    """`_rebuild_tensor(storage, offset, size, stride)`, and v2 with what autograd needs."""
    if len(arguments) not in {4, 6, 7}:
        raise damaged("a tensor has the wrong number of parts")
    storage = arguments[0]
    if not isinstance(storage, StorageRef) or storage.dtype is None:
        raise damaged("a tensor has no typed storage")
    return _tensor_ref(storage, storage.dtype, arguments)


def _tensor_v3(arguments: tuple[Value, ...]) -> TensorRef:
    """`_rebuild_tensor_v3(storage, offset, size, stride, grad, hooks, dtype)`: untyped bytes."""
    if len(arguments) not in {7, 8}:
        raise damaged("a tensor has the wrong number of parts")
    storage, dtype = arguments[0], arguments[6]
    if not isinstance(storage, StorageRef) or not isinstance(dtype, Global):
        raise damaged("a tensor has no storage or no kind of number")
    name = dtype.path.removeprefix("torch.")
    name = _DTYPE_ALIASES.get(name, name)
    if name not in DTYPES:
        raise damaged(f"“{shown(dtype.path)}” is no kind of number")
    return _tensor_ref(storage, DTYPES[name], arguments)


def _tensor_ref(storage: StorageRef, dtype: torch.dtype, arguments: tuple[Value, ...]) -> TensorRef:
    offset, size, stride = arguments[1], _counts(arguments[2]), _counts(arguments[3])
    if not _is_count(offset) or len(size) != len(stride):
        raise damaged("a tensor's offset, shape and strides do not fit together")
    assert isinstance(offset, int)
    return TensorRef(storage, dtype, offset, size, stride)


def _parameter(arguments: tuple[Value, ...]) -> TensorRef:
    """`_rebuild_parameter(data, requires_grad, hooks)`, also with a fourth part for attributes."""
    if len(arguments) not in {3, 4} or not isinstance(arguments[0], TensorRef):
        raise damaged("a parameter has no tensor")
    return arguments[0]


def _size(arguments: tuple[Value, ...]) -> tuple[int, ...]:
    return _counts(arguments[0]) if len(arguments) == 1 else ()


def _device(arguments: tuple[Value, ...]) -> str:
    return ":".join(str(part) for part in arguments if type(part) in {str, int})


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
    """A key that is cheap to hash; a nested tuple could take for ever."""
    if key is not None and type(key) not in {str, int, float, bool, bytes}:
        raise damaged("a dictionary has a key that is neither text nor number")
    return key


_MEANINGS: dict[str, Callable[[tuple[Value, ...]], Value]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered_dict,
}

ALLOWED_GLOBALS = (
    frozenset(_MEANINGS) | _UNTYPED | {f"torch.{name}" for name in (*_STORAGES, *DTYPES)}
)
"""Every name a pickle may mention."""
