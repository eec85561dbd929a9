"""Files made byte by byte, so that tests can be dishonest where torch.save cannot."""

import io
import json
import struct
import zipfile
from collections.abc import Iterable

MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
LEGACY_HEAD = MAGIC + b"\x80\x02M\xe9\x03." + b"\x80\x02}(X\r\x00\x00\x00little_endian\x88u."


def text(value: str) -> bytes:
    """BINUNICODE."""
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value: int) -> bytes:
    """BININT where it fits, LONG1 otherwise."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def tuple_of(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def name(module: str, attribute: str) -> bytes:
    """GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def storage(
    key: str = "0", numel: int = 4, kind: str = "FloatStorage", *, legacy: bool = False
) -> bytes:
    parts = [text("storage"), name("torch", kind), text(key), text("cpu"), integer(numel)]
    return tuple_of(*parts, *([b"N"] if legacy else [])) + b"Q"


def tensor(
    stored: bytes | None = None,
    *,
    size: Iterable[int] = (4,),
    stride: Iterable[int] = (1,),
    offset: int = 0,
    function: bytes = name("torch._utils", "_rebuild_tensor_v2"),
) -> bytes:
    arguments = tuple_of(
        storage() if stored is None else stored,
        integer(offset),
        tuple_of(*map(integer, size)),
        tuple_of(*map(integer, stride)),
        b"\x89",
        name("collections", "OrderedDict") + b")R",
    )
    return function + arguments + b"R"


def mapping(items: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def pickled(value: bytes) -> bytes:
    return b"\x80\x02" + value + b"."


def state_dict(**tensors: bytes) -> bytes:
    return pickled(mapping(tensors or {"w": tensor()}))


def zipped(
    pickle_bytes: bytes,
    storages: dict[str, bytes] | None = None,
    *,
    members: dict[str, bytes] | None = None,
    method: int = zipfile.ZIP_STORED,
) -> bytes:
    """A file in torch.save's zip layout around this data.pkl."""
    if storages is None:
        storages = {"0": bytes(16)}
    files = {"data.pkl": pickle_bytes, "byteorder": b"little", "version": b"3\n"}
    files |= {f"data/{key}": data for key, data in storages.items()} | (members or {})
    return zip_of({f"archive/{key}": data for key, data in files.items()}, method=method)


def zip_of(files: dict[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data, compress_type=method)
    return buffer.getvalue()


def legacy(pickle_bytes: bytes, storages: dict[str, tuple[int, bytes]] | None = None) -> bytes:
    """A file in torch.save's old layout; `storages` maps a key to its length and bytes."""
    if storages is None:
        storages = {"0": (4, bytes(16))}
    keys = pickled(b"](" + b"".join(text(key) for key in storages) + b"e")
    raw = b"".join(struct.pack("<q", numel) + data for numel, data in storages.values())
    return LEGACY_HEAD + pickle_bytes + keys + raw


def safetensors(header: object, data: bytes = b"", *, padding: bytes = b"") -> bytes:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    encoded += padding
    return struct.pack("<Q", len(encoded)) + encoded + data


def entry(dtype: str = "F32", shape: object = (4,), offsets: object = (0, 16)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}
