"""Small files that would take a reader minutes or gigabytes if it did not count."""

from collections.abc import Iterator

from tests.metalearn.checkpoint.builders import (
    integer,
    legacy,
    name,
    pickled,
    safetensors,
    text,
    tuple_of,
    zipped,
)
from tests.metalearn.checkpoint.case import Hostile

GROUP = "resource attacks"
PRIME = 2**61 - 1
"""Python's hash of a number is its remainder by this one: all multiples collide."""


def hostile_resources() -> Iterator[Hostile]:
    for label, value in _repeated_calls().items():
        yield Hostile(GROUP, label, zipped(pickled(value), {}))
    numbers = range(PRIME, 30_000 * PRIME, PRIME)
    collide = b"".join(_long(number) + b"N" for number in numbers)
    yield Hostile(
        GROUP, "keys that collide", zipped(pickled(b"}(" + collide + b"u"), {}), "immense"
    )
    remembered = b"".join(b"p%d\n" % number for number in numbers)
    yield Hostile(GROUP, "memo numbers that collide", zipped(pickled(b"N" + remembered), {}))
    yield from _long_texts()
    yield Hostile(GROUP, "tuples in tuples", zipped(pickled(b")" + b"\x85" * 500_000), {}))
    deep = b"]" * 100_000 + b"a" * 99_999
    yield Hostile(GROUP, "lists in lists", zipped(pickled(deep), {}))
    wide = "a" * 7_000_000 + "\U0001f600"
    yield Hostile(GROUP, "a text of wide letters", zipped(pickled(text(wide)), {}))
    lists = b'{"a":[' + b"[]," * 300_000 + b"[]]}"
    yield Hostile(GROUP, "300,000 lists in a header", safetensors(lists))
    digits = b'{"a":[' + b",".join([b"9" * 4_000] * 200) + b"]}"
    yield Hostile(GROUP, "200 numbers of 4,000 digits", safetensors(digits))


def _repeated_calls() -> dict[str, bytes]:
    """Large arguments are made once and had again from the memo."""
    pairs = b"](" + b"".join(integer(number) + b"N\x86" for number in range(20_000)) + b"e"
    again = b"h\x00h\x01R" * 20_000
    function = {
        "20,000 large dictionaries": (name("collections", "OrderedDict"), pairs),
        "20,000 large devices": (name("torch", "device"), text("a" * 2_000_000) + text("b")),
        "20,000 large texts to encode": (
            name("_codecs", "encode"),
            text("a" * 2_000_000) + text("latin1"),
        ),
        "20,000 paths of many parts": (name("pathlib", "PosixPath"), text("a") * 900),
        "20,000 large sets": (name("builtins", "set"), pairs),
    }
    return {
        label: kind + b"q\x00(" + arguments + b"tq\x01" + again
        for label, (kind, arguments) in function.items()
    }


def _long_texts() -> Iterator[Hostile]:
    """Equal texts that are not the same one are compared letter by letter."""
    twins = text("k" * 3_000_000) + b"q\x000" + text("k" * 3_000_000) + b"q\x010"
    again = b"h\x01Ns" * 50_000
    yield Hostile(
        GROUP, "50,000 times a long key", zipped(pickled(twins + b"}h\x00Ns" + again), {}), "1000"
    )

    def stored(key: bytes) -> bytes:
        parts = (text("storage"), name("torch", "FloatStorage"), key, text("cpu"), integer(0))
        return tuple_of(*parts, b"N")

    first = stored(b"h\x00") + b"Q0" + stored(b"h\x01") + b"q\x020"
    data = legacy(pickled(twins + first + b"h\x02Q0" * 50_000 + b"N"))
    yield Hostile(GROUP, "50,000 times a long storage", data, "too long")


def _long(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data
