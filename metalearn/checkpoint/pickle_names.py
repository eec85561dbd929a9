"""Which names a pickle may mention, and what calling them stands for. Nothing is called."""

from metalearn.checkpoint.pickle_bystanders import BYSTANDERS, FACTORIES, NEW_BYSTANDERS
from metalearn.checkpoint.pickle_values import KINDS, MEANINGS, Global, Value, damaged
from metalearn.checkpoint.wording import STATE_DICT, shown
from metalearn.errors import InvalidCheckpoint

_MEANINGS = MEANINGS | BYSTANDERS
ALLOWED_GLOBALS = frozenset(_MEANINGS) | frozenset(NEW_BYSTANDERS) | KINDS | FACTORIES
"""Every name a pickle may mention."""


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


def interpret_new(kind: Value, arguments: Value) -> Value:
    """The same for `kind.__new__(kind, …)`, which weights never need."""
    if not isinstance(kind, Global) or type(arguments) is not tuple:
        raise damaged("it makes an object of something that is no class")
    meaning = NEW_BYSTANDERS.get(kind.path)
    if meaning is None:
        raise damaged(f"it makes an object of “{shown(kind.path)}”")
    return meaning(arguments)


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
    if path.startswith("torch.") and path.endswith(("Storage", *_OTHER_NUMBERS)):
        return (
            f"The file has tensors of a kind that cannot be used (“{shown(path)}”); "
            "save the model with float32, float16 or bfloat16 weights."
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


_OTHER_NUMBERS = (
    "complex32",
    "complex64",
    "complex128",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float4_e2m1fn_x2",
    "uint16",
    "uint32",
    "uint64",
    "qint8",
    "quint8",
    "qint32",
    "_rebuild_qtensor",
    "_rebuild_sparse_tensor",
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
