"""Objects that training scripts save beside the weights, turned into inert data."""

from metalearn.checkpoint.pickle_numpy import NUMPY, NumpyArray, NumpyKind, is_plain
from metalearn.checkpoint.pickle_values import MEANINGS, Global, Meaning, Record, Value, damaged

_SET = "builtins.set"


def new_set(items: list[Value]) -> Record:
    """Return a set or frozenset as a record with a list: hashing hostile items may never end."""
    record = Record(_SET)
    record.items = items
    return record


def is_open(value: Value) -> bool:
    return isinstance(value, Record) and isinstance(value.items, list | None)


def set_state(target: Value, state: Value) -> None:
    """Set attributes as `__setstate__` would; raise InvalidCheckpoint if the value has none.

    Attributes of dictionaries are dropped, such as the `_metadata` of `state_dict()`.
    """
    if isinstance(target, NumpyKind | NumpyArray):
        target.check_state(state)
    elif isinstance(target, Record):
        if target.path in _CLOSED:
            raise damaged("it sets attributes of something that has none")
        if target.path in _WITH_FIELDS and not isinstance(state, dict):
            raise damaged("it sets attributes that make no sense")
        target.state = state
    elif not isinstance(target, dict):
        raise damaged("it sets attributes of something that has none")
    elif not isinstance(state, dict):
        raise damaged("it sets attributes that make no sense")


def _plain_parts(kind: str) -> Meaning:
    def meaning(arguments: tuple[Value, ...]) -> Record:
        if not is_plain(arguments):
            raise damaged(f"“{kind}” is not made of texts and numbers")
        return Record(kind, arguments)

    return meaning


def _encoded(arguments: tuple[Value, ...]) -> bytes:
    """Return bytes that pickles before protocol 3 write as Latin-1 text."""
    text, encoding = arguments
    if type(text) is not str or encoding != "latin1":
        raise damaged("bytes are not described the way Python does")
    return text.encode("latin1")


def _default_dict(arguments: tuple[Value, ...]) -> dict[Value, Value]:
    factory = arguments[0] if arguments else None
    known = isinstance(factory, Global) and factory.path not in MEANINGS.keys() | BYSTANDERS.keys()
    if len(arguments) > 1 or not (factory is None or known or isinstance(factory, Record)):
        raise damaged("a defaultdict is not described the way Python does")
    return {}


def _counter(arguments: tuple[Value, ...]) -> Value:
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise damaged("a Counter is not made of counts")
    return arguments[0]


def _set(arguments: tuple[Value, ...]) -> Record:
    if len(arguments) != 1 or not isinstance(arguments[0], list):
        raise damaged("a set is not made of a list")
    return new_set(arguments[0])


def _bare(kind: str) -> Meaning:
    def meaning(arguments: tuple[Value, ...]) -> Record:
        if arguments:
            raise damaged(f"“{kind}” is made of parts")
        return Record(kind)

    return meaning


def _no_bytes(arguments: tuple[Value, ...]) -> bytes:
    if arguments:
        raise damaged("bytes are not described the way Python does")
    return b""


def _empty_dict(arguments: tuple[Value, ...]) -> dict[Value, Value]:
    if arguments:
        raise damaged("a dictionary is made of parts")
    return {}


_WITH_FIELDS = ("argparse.Namespace", "types.SimpleNamespace", "torch.torch_version.TorchVersion")
_PATHS = tuple(
    f"{module}.{kind}"
    for module in ("pathlib", "pathlib._local")
    for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
)
_TIMES = ("datetime.datetime", "datetime.date", "datetime.timedelta")
_CLOSED = frozenset({*_PATHS, *_TIMES, _SET})
_BUILTINS = ("builtins", "__builtin__")
_LIGHTNING = (
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
)

FACTORIES = frozenset(
    {f"{module}.{kind}" for module in _BUILTINS for kind in ("int", "float", "list", "dict")}
    | {"numpy.ndarray"}
)
"""Names that occur as arguments but must not be called."""

BYSTANDERS: dict[str, Meaning] = {
    **NUMPY,
    **{f"{module}.{kind}": _set for module in _BUILTINS for kind in ("set", "frozenset")},
    **{f"{module}.bytes": _no_bytes for module in _BUILTINS},
    **{kind: _plain_parts(kind) for kind in (*_PATHS, *_TIMES)},
    "_codecs.encode": _encoded,
    "collections.defaultdict": _default_dict,
    "collections.Counter": _counter,
    "types.SimpleNamespace": _bare("types.SimpleNamespace"),
}
"""Names that may be called, and what the calls mean."""

NEW_BYSTANDERS: dict[str, Meaning] = {
    **dict.fromkeys(_LIGHTNING, _empty_dict),
    "argparse.Namespace": _bare("argparse.Namespace"),
    "torch.torch_version.TorchVersion": _plain_parts("torch.torch_version.TorchVersion"),
}
"""Classes whose `__new__` may be called, and what the calls mean."""
