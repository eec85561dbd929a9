"""safetensors files whose header or cover lies."""

import struct
from collections.abc import Iterator

from tests.metalearn.checkpoint.builders import entry, safetensors, state_dict, zipped
from tests.metalearn.checkpoint.case import Hostile

GROUP = "header tricks"


def raw(fields: str, data: bytes = bytes(16), *, tensor: str = "a") -> bytes:
    """One tensor with these fields, word for word."""
    return safetensors(b'{"%s":{%s}}' % (tensor.encode(), fields.encode()), data)


def hostile_headers() -> Iterator[Hostile]:
    for label, fields in _fields().items():
        yield Hostile(GROUP, label, raw(fields))
    kinds = {"F8_E5M2": "quantised (float8_e5m2)", "F4": "quantised (F4)", "C64": "does not fit"}
    kinds |= dict.fromkeys(("f32", "", "F32 "), "unknown dtype") | {"U64": "does not fit"}
    for kind, says in kinds.items():
        data = safetensors({"a": entry(kind, (16,))}, bytes(16))
        yield Hostile(GROUP, f"numbers of kind {kind!r}", data, says)
    for kind, says in {"C64": "complex64", "U16": "uint16"}.items():
        data = safetensors({"a": entry(kind, (2 if kind == "C64" else 8,))}, bytes(16))
        yield Hostile(GROUP, f"honest numbers of kind {kind!r}", data, says)
    for label, header in _headers().items():
        yield Hostile(GROUP, label, safetensors(header, bytes(32 if "two" in label else 16)))
    for label, padding in _paddings().items():
        yield Hostile(GROUP, label, safetensors({"a": entry()}, bytes(16), padding=padding))
    yield from _lengths()
    yield from _names()


def _fields() -> dict[str, str]:
    kind, shape, place = '"dtype":"F32"', '"shape":[4]', '"data_offsets":[0,16]'
    return {
        "a kind twice": f"{kind},{kind},{shape},{place}",
        "a place twice": f"{kind},{shape},{place},{place}",
        "a shape with NaN": f'{kind},"shape":[NaN],{place}',
        "a shape without end": f'{kind},"shape":[Infinity],{place}',
        "a shape of 1e999": f'{kind},"shape":[1e999],{place}',
        "a shape of 4e0": f'{kind},"shape":[4e0],{place}',
        "a shape of nothing": f'{kind},"shape":null,{place}',
        "a shape in a shape": f'{kind},"shape":[[4]],{place}',
        "a shape of 5,000 digits": f'{kind},"shape":[{"9" * 5_000}],{place}',
        "a shape of 100 dimensions": f'{kind},"shape":[{",".join(["1"] * 100)}],{place}',
        "a shape that multiplies to 2**64 + 4": f'{kind},"shape":[{2**62 + 1},4],{place}',
        "a shape that multiplies to nothing": f'{kind},"shape":[0,{2**47},{2**47}],'
        '"data_offsets":[0,0]},"b":{' + f"{kind},{shape},{place}",
        "a place of truths": f'{kind},"shape":[0],"data_offsets":[false,false]',
        "a place of texts": f'{kind},{shape},"data_offsets":["0","16"]',
        "a place of fractions": f'{kind},{shape},"data_offsets":[0.0,16.0]',
        "a place of nothing": f'{kind},{shape},"data_offsets":null',
        "a place of one number": f'{kind},{shape},"data_offsets":[16]',
        "a place that is an object": f'{kind},{shape},"data_offsets":{{"0":16}}',
        "a place below nothing": f'{kind},{shape},"data_offsets":[-16,0]',
        "a place of 2**64": f'{kind},{shape},"data_offsets":[{2**64},{2**64 + 16}]',
        "a kind that is a list": f'"dtype":["F32"],{shape},{place}',
        "a kind of nothing": f'"dtype":null,{shape},{place}',
        "a field in capitals": f'"DTYPE":"F32",{shape},{place}',
    }


def _headers() -> dict[str, object]:
    good = b'"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}'
    return {
        "metadata of nothing": {"__metadata__": None, "a": entry()},
        "metadata in metadata": {"__metadata__": {"a": {"b": "c"}}, "a": entry()},
        "metadata with NaN": b'{"__metadata__":{"a":NaN},' + good + b"}",
        "metadata nested 50,000 times": b'{"__metadata__":' + b"[" * 50_000 + b"}",
        "metadata twice": b'{"__metadata__":{},"__metadata__":{},' + good + b"}",
        "metadata that is a tensor": {"__metadata__": entry()},
        "a comma too many": b"{" + good + b",}",
        "a remark": b"{" + good + b"/* evil */}",
        "single quotes": b"{" + good.replace(b'"', b"'") + b"}",
        "a list around it": b"{}" + b"[" + good + b"]",
        "an object that does not end": b"{" + good,
        "text in UTF-16": b"{" + ('"a":' * 4).encode("utf-16"),
        "an overlong letter": b'{"\xc0\x80":' + good[4:] + b"}",
        "two over the same bytes": {"a": entry(), "b": entry()},
        "two with a hole of one byte": {"a": entry(), "b": entry(offsets=(17, 33))},
        "two in the wrong places": {"a": entry(offsets=(16, 32)), "b": entry(offsets=(16, 32))},
    }


def _paddings() -> dict[str, bytes]:
    return {
        "padding of tabs": b"\t" * 8,
        "padding of line ends": b"\n" * 8,
        "padding of zeros": bytes(8),
        "padding with a hidden text": b" " * 400 + b"evil",
        "padding of wide spaces": "\u00a0".encode() * 4,
    }


def _lengths() -> Iterator[Hostile]:
    plain = safetensors({"a": entry()}, bytes(16))
    for label, length in {
        "no header": 0,
        "a header of one byte": 1,
        "a header that ends early": int.from_bytes(plain[:8], "little") - 1,
        "a header that takes a tensor's byte": int.from_bytes(plain[:8], "little") + 1,
        "a header of 2**40 - 1 bytes": 2**40 - 1,
        "a header of 2**63 bytes": 2**63,
        "a header of 2**64 - 1 bytes": 2**64 - 1,
    }.items():
        yield Hostile(GROUP, label, struct.pack("<Q", length) + plain[8:])
    yield Hostile(GROUP, "a zip behind", plain + zipped(state_dict()))
    yield Hostile(GROUP, "a space in front of the header", plain[:8] + b" " + plain[8:])
    yield Hostile(GROUP, "a mark in front of the header", plain[:8] + b"\xef\xbb\xbf" + plain[8:])


def _names() -> Iterator[Hostile]:
    fields = '"dtype":"F32","shape":[4],"data_offsets":'
    pairs = {
        "a name and its escape": ("a", "\\u0061"),
        "a name in two encodings": ("caf\u00e9", "cafe\\u0301"),
        "a wide name": ("w", "\\uff57"),
        "half a letter as a name": ("w", "\\ud800"),
        "a name with a zero byte": ("w", "w\\u0000"),
        "a name that runs backwards": ("w", "\\u202ew"),
    }
    for label, (one, other) in pairs.items():
        header = f'{{"{one}":{{{fields}[0,16]}},"{other}":{{{fields}[16,32]}}}}'
        yield Hostile(GROUP, label, safetensors(header.encode(), bytes(32)))
    long = {"a" * 301: entry()}
    yield Hostile(GROUP, "a name of 301 letters", safetensors(long, bytes(16)), "too long")
