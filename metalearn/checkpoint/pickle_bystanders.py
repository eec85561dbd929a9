"""What training scripts save beside the weights, understood so far that it can be left out.

NumPy's numbers, `argparse.Namespace`, paths and the like stand in most training checkpoints. As
everywhere in this package nothing is called: each becomes plain data or a Bystander, which no
tensor can be made of. Arrays of Python objects, which hide pickles of their own, are refused.
"""

from dataclasses import dataclass

from metalearn.checkpoint.pickle_values import Global, Meaning, Value, damaged

_MAX_PARTS = 1_000
_PLAIN = (str, bytes, int, float, bool, type(None))
_NUMBERS = {
    f"{kind}{size}": size
    for kind, sizes in {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,)}.items()
    for size in sizes
}


@dataclass(frozen=True)
class Bystander:
    """A value that is not needed; `kind` is the Python name of its class."""

    kind: str


@dataclass(frozen=True)
class NumberKind(Bystander):
    """A NumPy dtype of plain numbers with its bytes for one of them."""

    n_bytes: int


SET = Bystander("set")


def check_state(target: Value, state: Value) -> None:
    """Raise InvalidCheckpoint when these attributes are not what such a value gets.

    Python sets them with `__setstate__`; here they are looked at and dropped.
    """
    if isinstance(target, dict) or (isinstance(target, Bystander) and target.kind in _WITH_FIELDS):
        good = isinstance(state, dict)
    elif isinstance(target, NumberKind):
        good = _is_plain(state)
    elif isinstance(target, Bystander) and target.kind == _ARRAY:
        good = _is_array_state(state)
    else:
        raise damaged("it sets attributes of something that has none")
    if not good:
        raise damaged("it sets attributes that make no sense")


def _is_plain(value: Value) -> bool:
    if not isinstance(value, tuple) or len(value) > _MAX_PARTS:
        return False
    return all(type(part) in _PLAIN for part in value)


def _is_array_state(state: Value) -> bool:
    """(version, shape, dtype, order, bytes); a list in the last place would be of objects."""
    return (
        isinstance(state, tuple)
        and len(state) == 5
        and _is_plain(state[1])
        and isinstance(state[2], NumberKind)
        and type(state[4]) is bytes
    )


def _plain_parts(kind: str) -> Meaning:
    """The meaning of a call with nothing but texts and numbers."""

    def meaning(arguments: tuple[Value, ...]) -> Bystander:
        if not _is_plain(arguments):
            raise damaged(f"“{kind}” is not made of texts and numbers")
        return Bystander(kind)

    return meaning


def _number_kind(arguments: tuple[Value, ...]) -> NumberKind:
    name = arguments[0] if arguments else None
    n_bytes = _NUMBERS.get(name) if type(name) is str else None
    if n_bytes is None or not _is_plain(arguments):
        raise damaged("it has NumPy values that are no numbers")
    return NumberKind("numpy.dtype", n_bytes)


def _scalar(arguments: tuple[Value, ...]) -> Bystander:
    kind, data = arguments
    if not isinstance(kind, NumberKind) or type(data) is not bytes or len(data) != kind.n_bytes:
        raise damaged("a NumPy number is not described as NumPy does")
    return Bystander("numpy.scalar")


def _array(arguments: tuple[Value, ...]) -> Bystander:
    if arguments != (Global("numpy.ndarray"), (0,), b"b"):
        raise damaged("a NumPy array is not described as NumPy does")
    return Bystander(_ARRAY)


def _array_of_bytes(arguments: tuple[Value, ...]) -> Bystander:
    """How protocol 5 writes an array: its bytes, dtype, shape and order."""
    data, kind, shape, order = arguments
    plain = type(data) is bytes and isinstance(kind, NumberKind) and _is_plain(shape)
    # Asked for its type first: to hash tuples in tuples in tuples may end the process.
    if not plain or type(order) is not str or order not in {"C", "F"}:
        raise damaged("a NumPy array is not described as NumPy does")
    return Bystander("numpy.ndarray")


def _encoded(arguments: tuple[Value, ...]) -> bytes:
    """How pickles before protocol 3 write bytes: a text, to be encoded as Latin-1."""
    text, encoding = arguments
    if type(text) is not str or encoding != "latin1":
        raise damaged("bytes are not described as Python does")
    return text.encode("latin1")


def _default_dict(arguments: tuple[Value, ...]) -> dict[Value, Value]:
    factory = arguments[0] if arguments else None
    known = isinstance(factory, Global) and factory.path in FACTORIES
    if len(arguments) > 1 or not (factory is None or known):
        raise damaged("a defaultdict is not described as Python does")
    return {}


def _counter(arguments: tuple[Value, ...]) -> Value:
    if len(arguments) != 1 or not isinstance(arguments[0], dict):
        raise damaged("a Counter is not made of counts")
    return arguments[0]


def _set(arguments: tuple[Value, ...]) -> Bystander:
    if len(arguments) != 1 or not isinstance(arguments[0], list):
        raise damaged("a set is not made of a list")
    return SET


def _bare(kind: str) -> Meaning:
    """The meaning of `kind.__new__(kind)`; its attributes follow."""

    def meaning(arguments: tuple[Value, ...]) -> Bystander:
        if arguments:
            raise damaged(f"“{kind}” is made of parts")
        return Bystander(kind)

    return meaning


def _empty_dict(arguments: tuple[Value, ...]) -> dict[Value, Value]:
    if arguments:
        raise damaged("a dictionary is made of parts")
    return {}


_ARRAY = "numpy.ndarray"
_WITH_FIELDS = ("argparse.Namespace", "types.SimpleNamespace", "torch.torch_version.TorchVersion")
_NUMPY = ("numpy.core", "numpy._core")
_PATHS = tuple(
    f"{module}.{kind}"
    for module in ("pathlib", "pathlib._local")
    for kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
)
_TIMES = ("datetime.datetime", "datetime.date", "datetime.timedelta")
_BUILTINS = ("builtins", "__builtin__")
_LIGHTNING = (
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
)

FACTORIES = frozenset(
    {f"{module}.{kind}" for module in _BUILTINS for kind in ("int", "float", "list", "dict")}
    | {_ARRAY}
)
"""Names that are mentioned as an argument and mean nothing when called."""

BYSTANDERS: dict[str, Meaning] = {
    **{f"{module}.multiarray.scalar": _scalar for module in _NUMPY},
    **{f"{module}.multiarray._reconstruct": _array for module in _NUMPY},
    **{f"{module}.numeric._frombuffer": _array_of_bytes for module in _NUMPY},
    **{f"{module}.{kind}": _set for module in _BUILTINS for kind in ("set", "frozenset")},
    **{kind: _plain_parts(kind) for kind in (*_PATHS, *_TIMES)},
    "numpy.dtype": _number_kind,
    "_codecs.encode": _encoded,
    "collections.defaultdict": _default_dict,
    "collections.Counter": _counter,
    "types.SimpleNamespace": _bare("types.SimpleNamespace"),
}
"""What calling these names stands for."""

NEW_BYSTANDERS: dict[str, Meaning] = {
    **dict.fromkeys(_LIGHTNING, _empty_dict),
    "argparse.Namespace": _bare("argparse.Namespace"),
    "torch.torch_version.TorchVersion": _plain_parts("torch.torch_version.TorchVersion"),
}
"""What `__new__` of these names stands for."""
