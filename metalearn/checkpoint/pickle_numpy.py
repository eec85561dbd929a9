"""NumPy dtypes, scalars and arrays in a pickle, parsed without NumPy."""

import struct

from metalearn.checkpoint.pickle_values import Global, Meaning, Value, damaged

_MAX_PARTS = 1_000
_MAX_ARRAY = 1_000_000
_MAX_SCALAR = 4_000
_PLAIN = (str, bytes, int, float, bool, type(None))
_CODES = {
    **{"f2": "e", "f4": "f", "f8": "d", "b1": "?"},
    **{"i1": "b", "i2": "h", "i4": "i", "i8": "q"},
    **{"u1": "B", "u2": "H", "u4": "I", "u8": "Q"},
}
_OBJECTS = frozenset({"O", "O4", "O8"})


class NumpyKind:
    """A dtype: numbers (`code` is struct's letter), texts ("U"), bytes ("S") or objects ("O")."""

    __slots__ = ("big", "code", "n_bytes")

    def __init__(self, code: str, n_bytes: int) -> None:
        self.code = code
        self.n_bytes = n_bytes
        self.big = False

    def check_state(self, state: Value) -> None:
        """Read (version, byte order, …, size, alignment, flags), as `dtype.__setstate__` does."""
        if not is_plain(state):
            raise damaged("it sets attributes that make no sense")
        assert isinstance(state, tuple)
        self.big = len(state) > 1 and state[1] == ">"


class NumpyArray:
    """An array's shape, dtype and bytes, or the list of its items if they are Python objects."""

    __slots__ = ("data", "kind", "shape")

    def __init__(self) -> None:
        self.kind: NumpyKind | None = None
        self.shape: tuple[Value, ...] = ()
        self.data: bytes | list[Value] = b""

    def fill(self, kind: NumpyKind, shape: Value, data: bytes | list[Value]) -> None:
        if not is_plain(shape) or isinstance(data, list) != (kind.code == "O"):
            raise damaged("a NumPy array is not described the way NumPy does")
        assert isinstance(shape, tuple)
        self.kind, self.shape, self.data = kind, shape, data

    def check_state(self, state: Value) -> None:
        """Read (version, shape, dtype, order, bytes), as `ndarray.__setstate__` does."""
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], NumpyKind):
            raise damaged("it sets attributes that make no sense")
        data = state[4]
        if type(data) not in {bytes, list}:
            raise damaged("it sets attributes that make no sense")
        assert isinstance(data, bytes | list)
        self.fill(state[2], state[1], data)

    def values(self, longest: int) -> list[Value] | None:
        """Return a flat array's items, or None for other shapes or more than `longest` items."""
        if self.kind is None or len(self.shape) != 1:
            return None
        n_bytes = self.kind.n_bytes
        if isinstance(self.data, list):
            return self.data if len(self.data) <= longest else None
        if n_bytes == 0 or len(self.data) > min(longest * n_bytes, _MAX_ARRAY):
            return None
        if self.shape[0] != len(self.data) / n_bytes:
            return None
        try:
            return [
                decode(self.kind, self.data[at : at + n_bytes])
                for at in range(0, len(self.data), n_bytes)
            ]
        except ValueError:
            return None


def is_plain(value: Value) -> bool:
    """Return whether this is a tuple of at most `_MAX_PARTS` texts and numbers."""
    if not isinstance(value, tuple) or len(value) > _MAX_PARTS:
        return False
    return all(type(part) in _PLAIN for part in value)


def decode(kind: NumpyKind, data: bytes) -> Value:
    order = ">" if kind.big else "<"
    if kind.code == "U":
        return data.decode("utf-32-be" if kind.big else "utf-32-le").rstrip("\0")
    if kind.code == "S":
        return data.rstrip(b"\0").decode("latin1")
    value: Value = struct.unpack(order + kind.code, data)[0]
    return value


def _kind(arguments: tuple[Value, ...]) -> NumpyKind:
    name = arguments[0] if arguments else None
    if type(name) is not str or not is_plain(arguments) or len(name) > 10:
        raise damaged("it has NumPy values that are not numbers")
    if name in _CODES:
        return NumpyKind(_CODES[name], int(name[1:]))
    if name in _OBJECTS:
        return NumpyKind("O", 0)
    if name[:1] in {"U", "S"} and name[1:].isascii() and name[1:].isdigit():
        return NumpyKind(name[0], int(name[1:]) * (4 if name[0] == "U" else 1))
    raise damaged("it has NumPy values that are not numbers")


def _scalar(arguments: tuple[Value, ...]) -> Value:
    kind, data = arguments
    if not isinstance(kind, NumpyKind) or type(data) is not bytes or kind.code == "O":
        raise damaged("a NumPy number is not described the way NumPy does")
    if len(data) != kind.n_bytes or len(data) > _MAX_SCALAR:
        raise damaged("a NumPy number is not described the way NumPy does")
    return decode(kind, data)


def _array(arguments: tuple[Value, ...]) -> NumpyArray:
    if arguments != (Global("numpy.ndarray"), (0,), b"b"):
        raise damaged("a NumPy array is not described the way NumPy does")
    return NumpyArray()


def _array_of_bytes(arguments: tuple[Value, ...]) -> NumpyArray:
    """Interpret (bytes, dtype, shape, order), as protocol 5 writes an array."""
    data, kind, shape, order = arguments
    plain = type(data) is bytes and isinstance(kind, NumpyKind) and is_plain(shape)
    # The type comes first: hashing deeply nested tuples may crash the process.
    if not plain or type(order) is not str or order not in {"C", "F"}:
        raise damaged("a NumPy array is not described the way NumPy does")
    assert isinstance(kind, NumpyKind) and isinstance(data, bytes)
    array = NumpyArray()
    array.fill(kind, shape, data)
    return array


_MODULES = ("numpy.core", "numpy._core")
NUMPY: dict[str, Meaning] = {
    **{f"{module}.multiarray.scalar": _scalar for module in _MODULES},
    **{f"{module}.multiarray._reconstruct": _array for module in _MODULES},
    **{f"{module}.numeric._frombuffer": _array_of_bytes for module in _MODULES},
    "numpy.dtype": _kind,
}
"""NumPy names that may be called, and what the calls mean."""
