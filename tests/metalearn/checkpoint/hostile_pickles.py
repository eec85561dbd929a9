"""Pickles that describe storages, shapes and names as no `torch.save` would."""

import struct
from collections.abc import Iterator

from tests.metalearn.checkpoint.builders import (
    LEGACY_HEAD,
    integer,
    legacy,
    mapping,
    name,
    pickled,
    state_dict,
    storage,
    tensor,
    text,
    tuple_of,
    zipped,
)
from tests.metalearn.checkpoint.case import Hostile

FLOAT = name("torch", "FloatStorage")
V2 = name("torch._utils", "_rebuild_tensor_v2")
V3 = name("torch._utils", "_rebuild_tensor_v3")
GOOD = mapping({"w": tensor()})


def long_number(value: int) -> bytes:
    """LONG1, also for numbers that would fit a shorter opcode."""
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def hostile_pickles() -> Iterator[Hostile]:
    for label, stored in _storages().items():
        yield Hostile("storage tricks", label, zipped(state_dict(w=tensor(stored))))
    for label, value in _shapes().items():
        yield Hostile("shape tricks", label, zipped(state_dict(w=value)))
    for label, items in _names().items():
        yield Hostile("name tricks", label, zipped(pickled(items)))
    for label, value in _machine().items():
        yield Hostile("machine tricks", label, zipped(pickled(value)))
    yield from _legacy()


def _storages() -> dict[str, bytes]:
    def identity(*parts: bytes) -> bytes:
        return tuple_of(*parts) + b"Q"

    kind, key, place, count = text("storage"), text("0"), text("cpu"), integer(4)
    return {
        "an identity of nothing": identity(),
        "an identity of one": identity(kind),
        "an identity of four": identity(kind, FLOAT, key, place),
        "an identity of seven": identity(kind, FLOAT, key, place, count, b"N", b"N"),
        "an identity of another word": identity(text("tensor"), FLOAT, key, place, count),
        "an identity that is a number": integer(0) + b"Q",
        "an identity that is a storage": storage() + b"Q",
        "a class that is a text": identity(kind, text("FloatStorage"), key, place, count),
        "a key that is a storage": identity(kind, FLOAT, storage(), place, count),
        "a key that goes up": identity(kind, FLOAT, text("../data.pkl"), place, count),
        "a key that is the pickle": identity(kind, FLOAT, text("data.pkl"), place, count),
        "a key with a zero byte": identity(kind, FLOAT, text("0\0"), place, count),
        "a key of 101 letters": identity(kind, FLOAT, text("0" * 101), place, count),
        "a count that is true": identity(kind, FLOAT, key, place, b"\x88"),
        "a count that is a fraction": identity(
            kind, FLOAT, key, place, b"G" + struct.pack(">d", 4)
        ),
        "a count of 2**63": identity(kind, FLOAT, key, place, long_number(2**63)),
        "a count of 2**62 that wraps to 16 bytes": identity(
            kind, FLOAT, key, place, long_number(2**62 + 4)
        ),
        "a count that is a text": identity(kind, FLOAT, key, place, text("4")),
        "complex numbers": storage(kind="ComplexFloatStorage", numel=2),
        "quantised numbers": storage(kind="QInt8Storage", numel=16),
    }


def _shapes() -> dict[str, bytes]:
    def shaped(size: bytes, stride: bytes, offset: bytes = b"K\x00") -> bytes:
        return V2 + tuple_of(storage(), offset, size, stride, b"\x89", b"N") + b"R"

    def signed(signs: bytes, stored: bytes | None = None) -> bytes:
        one = tuple_of(integer(4))
        parts = (storage() if stored is None else stored, b"K\x00", one, numbers(1), b"\x89N")
        return V2 + tuple_of(*parts, signs) + b"R"

    def numbers(*values: int) -> bytes:
        return tuple_of(*map(long_number, values))

    untyped = storage(kind="UntypedStorage", numel=16)
    v3 = (untyped, b"K\x00", numbers(4), numbers(1), b"\x89", b"N")
    return {
        "a size of 2**63": shaped(numbers(2**63), numbers(1)),
        "a size of -2**63": shaped(numbers(-(2**63)), numbers(1)),
        "sizes that multiply to 2**64": shaped(numbers(2**32, 2**32), numbers(1, 1)),
        "sizes that multiply to 2**64 + 4": shaped(numbers(2**62 + 1, 4), numbers(4, 1)),
        "sizes that multiply to nothing": shaped(numbers(0, 2**47, 2**47), numbers(1, 1, 1)),
        "a stride of 2**63": shaped(numbers(4), numbers(2**63)),
        "strides that wrap": shaped(numbers(2, 2), numbers(2**47, 2**47)),
        "an offset of 2**63": shaped(numbers(4), numbers(1), long_number(2**63)),
        "an offset that is true": shaped(numbers(1), numbers(1), b"\x88"),
        "a size that is true": shaped(tuple_of(b"\x88"), numbers(1)),
        "a size that is a text": shaped(text("4"), numbers(1)),
        "a size that holds a size": shaped(tuple_of(numbers(4)), numbers(1)),
        "a size that is a storage": shaped(storage(), numbers(1)),
        "a stride that is a dictionary": shaped(numbers(4), b"}"),
        "a conjugated view": signed(mapping({"conj": b"\x88"})),
        "signs that are a list": signed(b"]"),
        "signs of truth values": signed(
            mapping({"neg": b"\x88"}), storage(kind="BoolStorage", numel=16)
        ),
        "a tensor of a tensor": tensor(tensor()),
        "a parameter of a storage": name("torch._utils", "_rebuild_parameter")
        + tuple_of(storage(), b"\x89", b"N")
        + b"R",
        "a kind that is a size": V3 + tuple_of(*v3, name("torch", "Size")) + b"R",
        "a kind that is a text": V3 + tuple_of(*v3, text("float32")) + b"R",
        "a kind of 8 bits": V3 + tuple_of(*v3, name("torch", "float8_e4m3fn")) + b"R",
        "a kind that does not fit its bytes": V3 + tuple_of(*v3, name("torch", "float64")) + b"R",
        "sparse": name("torch._utils", "_rebuild_sparse_tensor") + b")R",
        "quantised": name("torch._utils", "_rebuild_qtensor") + b")R",
        "a wrapper around a class": name("torch._tensor", "_rebuild_from_type_v2") + b")R",
    }


def _names() -> dict[str, bytes]:
    weight = tensor()
    return {
        "an accent in two encodings": mapping({"caf\u00e9": weight, "cafe\u0301": weight}),
        "a wide letter": mapping({"w": weight, "\uff57": weight}),
        "a ligature": mapping({"\ufb01lter": weight, "filter": weight}),
        "an order mark": mapping({"w\u202ecitats": weight}),
        "a space of no width": mapping({"w\u200b": weight}),
        "a zero byte": mapping({"w\0": weight}),
        "half a letter": b"}V\\ud800\n" + weight + b"s",
        "bytes": b"}C\x01w" + weight + b"s",
        "nothing": b"}N" + weight + b"s",
        "a fraction that is no number": b"}Fnan\n" + weight + b"s",
        "a tensor": b"}" + weight + weight + b"s",
        "a tuple": b"}" + tuple_of(text("w")) + weight + b"s",
        "a name that only a prefix makes equal": mapping(
            {"module._orig_mod.w": weight, "module.w": weight}
        ),
    }


def _machine() -> dict[str, bytes]:
    return {
        "a hidden call that is dropped again": name("os", "system")
        + tuple_of(text("true"))
        + b"R0"
        + GOOD,
        "a call beside honest weights": mapping(
            {"state_dict": GOOD, "args": name("os", "system") + tuple_of(text("true")) + b"R"}
        ),
        "a name with a zero byte": name("torch\0", "FloatStorage") + b"0" + GOOD,
        "a name with two dots": name("torch.", "FloatStorage") + b"0" + GOOD,
        "a name with a foreign letter": name("t\u043erch", "FloatStorage") + b"0" + GOOD,
        "a name with a space": name("torch ", "FloatStorage") + b"0" + GOOD,
        "an empty name": name("", "") + b"0" + GOOD,
        "a name of 8 MB": text("a" * 8_000_000) + text("b") + b"\x930" + GOOD,
        "a long number of negative length": b"\x8b\x00\x00\x00\x80" + GOOD,
        "a long number of 255 bytes": b"\x8a\xff" + bytes(255) + b"0" + GOOD,
        "remembering under -1": b"Np-1\n0" + GOOD,
        "remembering under 60 digits": b"Np" + b"9" * 60 + b"\n0" + GOOD,
        "remembering under 2**32": b"Np4294967296\n0" + GOOD,
        "remembering nothing": b"q\x00" + GOOD,
        "recalling -1": b"g-1\n0" + GOOD,
        "recalling what was never there": b"j\xff\xff\xff\xff0" + GOOD,
        "dropping to a mark that is not there": b"1" + GOOD,
        "two lists without an end": b"((" + GOOD,
        "a frame of 2**64 - 1 bytes": b"\x95" + b"\xff" * 8 + GOOD,
        "a protocol within": b"\x80\x04" + GOOD,
        "a tuple of more than there is": b"K\x01\x87" + GOOD,
        "bytes of 2**63": b"\x8e" + struct.pack("<Q", 2**63) + GOOD,
        "a text of 4 GB": b"X\xff\xff\xff\xff" + GOOD,
        "a number in words": b"Ione\n0" + GOOD,
        "lists around lists": b"(" * 99 + b"l" * 99 + b"0" + b"(" * 101 + GOOD,
        "a dictionary that is its own key": b"}2Ns",
        "appending to a size": name("torch", "Size") + b")RNa",
        "attributes on a size": name("torch", "Size") + b")R}b",
        "attributes that are a list": b"}]b" + GOOD,
        "a device of many parts": name("torch", "device")
        + tuple_of(text("cuda"), b"K\x00", b"K\x00")
        + b"R0"
        + GOOD,
        "a device that is a number": name("torch", "device") + tuple_of(b"K\x00") + b"R0" + GOOD,
        "an ordered dictionary of two lists": name("collections", "OrderedDict")
        + tuple_of(b"]", b"]")
        + b"R",
    }


def _legacy() -> Iterator[Hostile]:
    group = "legacy tricks"
    stored = storage(legacy=True)
    good = pickled(mapping({"w": tensor(stored)}))
    keys = pickled(b"](" + text("0") + b"e")
    raw = struct.pack("<q", 4) + bytes(16)
    info = LEGACY_HEAD
    yield Hostile(group, "an identity of a zip", legacy(pickled(mapping({"w": tensor()}))))
    yield Hostile(group, "only its head", info)
    yield Hostile(group, "no list of storages", info + good + raw)
    twice = pickled(b"](" + text("0") * 2 + b"e")
    yield Hostile(group, "a storage named twice", info + good + twice + raw * 2)
    yield Hostile(group, "a storage of negative length", info + good + keys + struct.pack("<q", -4))
    yield Hostile(group, "a zip behind", info + good + keys + raw + zipped(state_dict()))
    yield Hostile(
        group, "a system that is a list", info.replace(b"}(X\r\x00\x00\x00little_endian\x88u", b"]")
    )
    yield Hostile(
        group, "a byte order of 1", info.replace(b"\x88u.", b"K\x01u.") + good + keys + raw
    )
    yield Hostile(
        group, "a version that is a text", info.replace(b"M\xe9\x03", text("1001")) + good
    )
    yield Hostile(group, "six pickles", info + good + good + keys + raw)
