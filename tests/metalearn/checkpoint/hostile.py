"""A corpus of files that must be refused, by the classes of threat that they stand for."""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.metalearn.checkpoint.builders import (
    LEGACY_HEAD,
    entry,
    integer,
    legacy,
    mapping,
    name,
    pickled,
    safetensors,
    state_dict,
    storage,
    tensor,
    text,
    tuple_of,
    zip_of,
    zipped,
)
from tests.metalearn.checkpoint.case import Hostile
from tests.metalearn.checkpoint.hostile_bystanders import hostile_bystanders
from tests.metalearn.checkpoint.hostile_headers import hostile_headers
from tests.metalearn.checkpoint.hostile_pickles import hostile_pickles
from tests.metalearn.checkpoint.hostile_programs import hostile_programs
from tests.metalearn.checkpoint.hostile_records import hostile_records
from tests.metalearn.checkpoint.hostile_resources import hostile_resources
from tests.metalearn.checkpoint.hostile_zips import hostile_zips


def corpus(canary: Path) -> list[Hostile]:
    """Every case; whatever would run in one of them would make the file `canary`."""
    sources = (
        _code(canary),
        _odd_pickles(),
        _shape_bombs(),
        _pickle_bombs(),
        _zip_confusion(),
        _foreign_files(),
        _legacy_lies(),
        _safetensors_lies(),
        hostile_zips(),
        hostile_pickles(),
        hostile_headers(),
        hostile_bystanders(canary),
        hostile_resources(),
        hostile_records(canary),
        hostile_programs(),
    )
    return [case for source in sources for case in source]


def _code(canary: Path) -> Iterator[Hostile]:
    group = "code execution"
    command = f"touch {canary}"
    python = f"open({str(canary)!r}, 'w')"
    calls = {
        "os.system": name("os", "system") + tuple_of(text(command)) + b"R",
        "posix.system": name("posix", "system") + tuple_of(text(command)) + b"R",
        "eval": name("builtins", "eval") + tuple_of(text(python)) + b"R",
        "exec of python 2": name("__builtin__", "exec") + tuple_of(text(python)) + b"R",
        "subprocess": name("subprocess", "Popen") + tuple_of(text(command)) + b"R",
        "runpy": name("runpy", "_run_code") + tuple_of(text(python), b"}") + b"R",
        "pkgutil.resolve_name": name("pkgutil", "resolve_name")
        + tuple_of(text("os.system"))
        + b"R",
        "pip.main": name("pip", "main") + tuple_of(text("download x")) + b"R",
        "importlib": name("importlib", "import_module") + tuple_of(text("antigravity")) + b"R",
        "operator.attrgetter": name("operator", "attrgetter") + tuple_of(text("system")) + b"R",
        "functools.partial": name("functools", "partial") + tuple_of(name("os", "system")) + b"R",
        "nested unpickling": name("torch.storage", "_load_from_bytes") + tuple_of(b"C\x01.") + b"R",
        "nested torch.load": name("torch.serialization", "load") + tuple_of(text("x")) + b"R",
        "torch.hub": name("torch.hub", "load") + tuple_of(text("x"), text("y")) + b"R",
        "rpc": name("torch.distributed.rpc.internal", "_run_function") + b")R",
        "remote module": name("torch.distributed.nn.jit.instantiator", "x") + b")R",
        "numpy reconstruct": name("numpy.core.multiarray", "_reconstruct") + b")R",
        "dotted stack global": text("torch") + text("_utils.os.system") + b"\x93)R",
        "stack global": text("os") + text("system") + b"\x93" + tuple_of(text(command)) + b"R",
        "stack global of odd types": b"K\x01K\x02\x93",
        "name in the module": name("torch._utils._rebuild_tensor_v2.os", "system") + b")R",
        "inst": b"(" + text(command) + b"ios\nsystem\n",
        "obj": b"(" + name("os", "system") + text(command) + b"o",
        "obj of an allowed name": b"(" + name("collections", "OrderedDict") + b"o",
        "newobj": name("collections", "OrderedDict") + b")\x81",
        "newobj_ex": name("collections", "OrderedDict") + b")}\x92",
        "extension 1": b"\x82\x01",
        "extension 2": b"\x83\x01\x00",
        "extension 4": b"\x84\x01\x00\x00\x00",
        "build on a name": name("torch", "FloatStorage") + b"}b",
        "build with state": tensor() + b"}(" + text("__setstate__") + b"Nub",
        "call of a text": text("os.system") + b")R",
        "call of a tensor": tensor() + b")R",
        "call of a storage class": name("torch", "FloatStorage") + tuple_of(integer(9)) + b"R",
        "overwritten memo": name("torch", "Size")
        + b"q\x000"
        + name("os", "system")
        + b"q\x00h\x00)R",
        "payload before a broken tail": name("os", "system")
        + tuple_of(text(command))
        + b"R\xff\xff",
        "persistent id as text": b"Pos.system\n",
        "module as persistent id": tuple_of(
            text("module"), name("torch", "Size"), text("a.py"), text("import os")
        )
        + b"Q",
    }
    for label, value in calls.items():
        yield Hostile(group, f"{label} in a zip", zipped(pickled(value), {}))
        yield Hostile(group, f"{label} in a legacy file", legacy(pickled(value), {}))
        yield Hostile(group, f"{label} in a bare pickle", pickled(value))
    yield Hostile(
        group, "protocol 0, as .bin", f"cos\nsystem\n(S'{command}'\ntR.".encode(), "os.system"
    )
    yield Hostile(
        group,
        "code instead of the magic number",
        f"cposix\nsystem\n(S'{command}'\ntR.".encode() + LEGACY_HEAD,
        "posix.system",
    )
    wholes = (("torch.nn.modules.linear", "Linear"), ("torchvision.models.resnet", "ResNet"))
    for module, attribute in (*wholes, ("__main__", "Net"), ("timm.models.vit", "Vit")):
        data = zipped(pickled(name(module, attribute) + b")\x81"), {})
        yield Hostile(group, f"whole model {module}", data, "whole pickled model")
    script = zipped(pickled(name("torch.jit._pickle", "build_intlist") + b")R"), {})
    yield Hostile(group, "torch.jit name", script, "TorchScript")


def _odd_pickles() -> Iterator[Hostile]:
    group = "odd pickles"
    weights = mapping({"w": tensor()})
    values = {
        "setitem on a tensor": tensor() + text("a") + b"Ns",
        "setitem on a list": b"]" + text("a") + b"Ns",
        "append to a dict": b"}Na",
        "odd number of items": b"}(" + text("a") + b"u",
        "dict of odd length": b"(" + text("a") + b"d",
        "ordered dict of numbers": name("collections", "OrderedDict") + tuple_of(b"K\x05") + b"R",
        "ordered dict of triples": name("collections", "OrderedDict")
        + tuple_of(b"](K\x01K\x02K\x03te")
        + b"R",
        "unknown protocol": b"\x80\x06" + weights,
        "protocol in the middle": weights + b"\x80\x02",
        "two values": weights + b"N",
        "no value": b"",
        "stack underflow": b"s",
        "missing memo": b"h\x07",
        "open list": b"(" + weights,
        "out-of-band buffer": b"\x97",
        "read-only buffer": b"C\x01a\x98",
        "bytearray": b"\x96" + struct.pack("<Q", 3) + b"abc",
        "a set": b"\x8f(N\x90",
        "frame longer than the file": b"\x95" + struct.pack("<Q", 2**62) + weights,
        "text longer than the file": b"\x8d" + struct.pack("<Q", 2**63),
        "text that is not UTF-8": b"X\x02\x00\x00\x00\xff\xfe",
        "number of 2 billion digits": b"\x8b\xff\xff\xff\x7f" + weights,
        "number of many digits": b"L" + b"9" * 4000 + b"L\n",
        "endless line": b"I" + b"1" * 9000 + b"\n",
        "float that is none": b"Fabc\n",
        "text without quotes": b"Sabc\n",
        "tensor of a wrong storage": tensor(name("torch", "Size")),
        "storage of an unknown class": tensor(storage(kind="Size")),
        "storage whose key is a number": tensor(
            tuple_of(text("storage"), name("torch", "FloatStorage"), b"K\x00N", integer(4)) + b"Q"
        ),
        "storage with too few parts": tensor(tuple_of(text("storage")) + b"Q"),
        "persistent id that is a list": tensor(b"]Q"),
        "size as a number": name("torch._utils", "_rebuild_tensor_v2")
        + tuple_of(storage(), b"K\x00K\x04)\x89N")
        + b"R",
        "tensor with too few parts": name("torch._utils", "_rebuild_tensor_v2") + b")R",
        "parameter of nothing": name("torch._utils", "_rebuild_parameter")
        + tuple_of(b"N\x89N")
        + b"R",
        "untyped storage without a kind": tensor(storage(kind="UntypedStorage", numel=16)),
        "v3 with an unknown kind": name("torch._utils", "_rebuild_tensor_v3")
        + tuple_of(storage(kind="UntypedStorage", numel=16), b"K\x00(K\x04t(K\x01t\x89N")[:-1]
        + name("torch", "Size")
        + b"tR",
        "names that are no text": b"}(K\x01" + tensor() + b"u",
        "names with control characters": mapping({"a\x1b[2J": tensor()}),
        "an empty name": mapping({"": tensor()}),
        "a name of 1,000 letters": mapping({"a" * 1000: tensor()}),
        "a single tensor": tensor(),
        "no tensors": mapping({"state_dict": b"}"}),
        "a list of tensors": b"](" + tensor() + b"e",
        "several groups": mapping({"a": weights, "b": weights}),
        "one name under two prefixes": mapping({"_orig_mod.w": tensor(), "w": tensor()}),
        "wrappers in wrappers": mapping(
            {"model": mapping({"model": mapping({"model": mapping({"model": weights})})})}
        ),
    }
    for label, value in values.items():
        used = {"0": bytes(16)} if b"storage" in value else {}
        yield Hostile(group, label, zipped(pickled(value), used))
    yield Hostile(group, "bytes after the end", zipped(state_dict() + b"N."), "follow its end")
    yield Hostile(group, "no end", zipped(state_dict()[:-1]))
    yield Hostile(group, "empty data.pkl", zipped(b"", {}))


def _shape_bombs() -> Iterator[Hostile]:
    group = "shape bombs"
    shapes = {
        "4 TB by strides of zero": tensor(size=(10**6, 10**6), stride=(0, 0)),
        "one stride of zero": tensor(size=(2, 2), stride=(0, 1)),
        "overlapping rows": tensor(size=(3, 2), stride=(1, 1)),
        "larger than its storage": tensor(size=(5,)),
        "offset outside": tensor(offset=1),
        "far offset": tensor(size=(1,), offset=2**40),
        "offset of an empty tensor": tensor(size=(0,), offset=2**40),
        "negative size": tensor(size=(-1,)),
        "negative stride": tensor(stride=(-1,)),
        "negative offset": tensor(offset=-1),
        "more numbers than atoms": tensor(size=(2**47, 2**47, 2**47), stride=(1, 1, 1)),
        "nine dimensions": tensor(size=(1,) * 9, stride=(1,) * 9),
        "size of 256 bits": tensor(size=(2**200,)),
        "sizes and strides differ": tensor(size=(2, 2), stride=(1,)),
        "storage longer than its bytes": tensor(storage(numel=1000), size=(1000,)),
        "storage of negative length": tensor(storage(numel=-4)),
        "storage shorter than its bytes": tensor(storage(numel=3), size=(3,)),
        "half where float is stored": tensor(storage(kind="HalfStorage")),
        "missing storage": tensor(storage(key="7")),
        "storage in two kinds": mapping({"a": tensor(), "b": tensor(storage(kind="IntStorage"))}),
        "truth values of 7": mapping({"a": tensor(storage(kind="BoolStorage", numel=16))}),
    }
    for label, value in shapes.items():
        item = value if value.startswith(b"}") else mapping({"w": value})
        data = bytes(16) if "truth" not in label else b"\x07" * 16
        yield Hostile(group, label, zipped(pickled(item), {"0": data}))
    shared = {"w": tensor() + b"q\xff"} | {f"w{index}": b"h\xff" for index in range(5000)}
    yield Hostile(group, "5,000 tensors over 16 bytes", zipped(state_dict(**shared)), "claim")
    many = {"w": tensor(size=(0,)) + b"q\xff"} | {f"w{i}": b"h\xff" for i in range(10_000)}
    yield Hostile(group, "10,001 tensors", zipped(state_dict(**many)), "10000")


def _pickle_bombs() -> Iterator[Hostile]:
    group = "pickle bombs"
    laughs = b")" + b"2\x86" * 100_000
    yield Hostile(group, "a billion laughs as a key", zipped(pickled(b"}" + laughs + b"Ns"), {}))
    yield Hostile(group, "a billion laughs", zipped(pickled(mapping({"a": laughs})), {}))
    yield Hostile(group, "100,000 open lists", zipped(pickled(b"(" * 100_000), {}), "nested")
    yield Hostile(group, "3 million steps", zipped(pickled(b"N0" * 1_500_000), {}), "too long")
    yield Hostile(group, "2 million dictionaries", zipped(pickled(b"(" + b"}" * 2_000_000), {}))
    yield Hostile(group, "20 MB of pickle", zipped(b"\x80\x02" + bytes(20_000_000), {}), "too long")
    yield Hostile(group, "a list in itself", zipped(pickled(b"]q\x00h\x00a"), {}))
    cycle = b"}q\x00" + text("model") + b"h\x00s"
    yield Hostile(group, "a model in itself", zipped(pickled(cycle), {}))
    keys = b"".join(tensor(storage(key=str(index), numel=0), size=(0,)) for index in range(9))
    yield Hostile(group, "storages without bytes", zipped(pickled(b"(" + keys + b"t"), {}))


def _zip_confusion() -> Iterator[Hostile]:
    group = "zip confusion"
    good = zipped(state_dict())
    directory = good.index(b"PK\x01\x02")
    end = good.rindex(b"PK\x05\x06")

    def patched(at: int, data: bytes) -> bytes:
        return good[:at] + data + good[at + len(data) :]

    yield Hostile(
        group, "deflated", zipped(state_dict(), method=zipfile.ZIP_DEFLATED), "compressed"
    )
    yield Hostile(
        group,
        "512 MB of zeros in 0.5 MB",
        zipped(state_dict(), {"0": bytes(2**24)}, method=zipfile.ZIP_DEFLATED),
    )
    for method, label in ((zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")):
        yield Hostile(group, label, zipped(state_dict(), method=method))
    yield Hostile(group, "bytes in front", b"PK\x03\x04" + bytes(60) + good)
    yield Hostile(group, "bytes behind", good + bytes(8), "end record")
    yield Hostile(group, "a comment", good[:-2] + b"\x05\x00hello", "end record")
    yield Hostile(group, "two archives", good + good)
    yield Hostile(group, "cut off", good[:-30])
    yield Hostile(group, "only its beginning", good[:40])
    yield Hostile(group, "a wrong checksum", good.replace(bytes(16), b"\x01" * 16, 1), "checksum")
    yield Hostile(
        group, "another name in the local header", good.replace(b"data.pkl", b"DATA.pkl", 1)
    )
    yield Hostile(group, "another size in the local header", patched(18, struct.pack("<2L", 1, 1)))
    yield Hostile(group, "another method in the local header", patched(8, b"\x08\x00"))
    yield Hostile(group, "encrypted", patched(directory + 8, b"\x01\x00"), "encrypted")
    yield Hostile(group, "a second disk", patched(end + 4, b"\x01\x00"))
    yield Hostile(group, "fewer entries in the end record", patched(end + 8, b"\x01\x00\x01\x00"))
    yield Hostile(group, "more entries in the end record", patched(end + 8, b"\x09\x00\x09\x00"))
    yield Hostile(group, "a directory that begins earlier", patched(end + 16, b"\x00\x00\x00\x00"))
    yield Hostile(group, "64-bit sizes without a record", patched(end + 12, b"\xff" * 8))
    yield Hostile(group, "an entry comment", patched(directory + 32, b"\x01\x00"))
    yield Hostile(group, "an entry on another disk", patched(directory + 34, b"\x01\x00"))
    yield Hostile(group, "an entry outside", patched(directory + 42, b"\xff\xff\xff\x7f"))
    yield Hostile(
        group, "a local header that is none", patched(0, b"PK\x03\x04")[:4] + b"\xff" * 4 + good[8:]
    )
    hole = good[:end] + bytes(76) + good[end:]
    yield Hostile(group, "a hole before the end record", hole)
    locator = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 9, 9, 0, 0)
    locator += struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    yield Hostile(group, "two end records that disagree", good[:end] + locator + good[end:])
    double = good.replace(b"archive/byteorder", b"archive/data.pkl!").replace(b"pkl!", b"pkl", 1)
    yield Hostile(group, "shifted names", double)
    yield Hostile(
        group, "a name twice", good.replace(b"archive/version", b"archive/data/0"[:14] + b"0")
    )
    paths = {
        "zip slip": "archive/../../evil",
        "an absolute path": "/etc/passwd",
        "a drive": "archive\\..\\evil",
        "an unprintable name": "archive/a\nb",
        "a folder": "archive/folder/",
        "another member": "archive/evil.py",
        "a second folder": "other/data/1",
        "no folder": "stray",
    }
    for label, path in paths.items():
        files = {"archive/data.pkl": state_dict(), "archive/data/0": bytes(16), path: b"x"}
        yield Hostile(group, label, zip_of(files))
    yield Hostile(
        group, "hidden bytes", zipped(state_dict(), {"0": bytes(16), "1": b"evil"}), "no tensor"
    )
    crowd = {f"archive/data/{index}": b"" for index in range(10_001)}
    yield Hostile(group, "10,001 entries", zip_of({"archive/data.pkl": b"", **crowd}), "10000")
    yield Hostile(
        group, "big-endian", zipped(state_dict(), members={"byteorder": b"big"}), "byte order"
    )
    yield Hostile(group, "a long version", zipped(state_dict(), members={"version": b"3" * 999}))


def _foreign_files() -> Iterator[Hostile]:
    group = "other kinds of file"
    inner = zipped(state_dict())
    tar = b"weights.pt".ljust(257, b"\0") + b"ustar\x0000" + bytes(300)
    files = {
        "Keras or HDF5": b"\x89HDF\r\n\x1a\n" + bytes(600),
        "HDF5 file with": bytes(512) + b"\x89HDF\r\n\x1a\n",
        "GGUF": b"GGUF\x03\x00\x00\x00" + bytes(60),
        "7z": b"7z\xbc\xaf\x27\x1c" + bytes(60),
        "RAR": b"Rar!\x1a\x07\x01" + bytes(60),
        "gzip": b"\x1f\x8b\x08" + bytes(60),
        "bzip2": b"BZh9" + bytes(60),
        "xz": b"\xfd7zXZ\x00" + bytes(60),
        "zstd": b"\x28\xb5\x2f\xfd" + bytes(60),
        "lz4": b"\x04\x22\x4d\x18" + bytes(60),
        "NumPy": b"\x93NUMPY\x01\x00" + bytes(60),
        "ONNX": b"\x08\x08\x12\x07pytorch" + bytes(60),
        "TensorFlow Lite": b"\x1c\x00\x00\x00TFL3" + bytes(60),
        "tar": tar,
        "NeMo": b"./model_config.yaml".ljust(257, b"\0") + b"ustar\x0000" + bytes(300),
        "program": b"\x7fELF\x02\x01" + bytes(60),
        "script": b"#!/bin/sh\nexit\n",
        "PDF": b"%PDF-1.7" + bytes(60),
        "picture": b"\x89PNG\r\n\x1a\n" + bytes(60),
        "HTML": b"<!doctype html><title>404</title>",
        "text file": b'{"metadata": {"total_size": 1}, "weight_map": {}}',
        "empty zip": b"PK\x05\x06" + bytes(18),
        "format is not supported": b"\xaa" * 500,
        "empty;": b"",
        "NumPy archive": zip_of({"arr_0.npy": b"\x93NUMPY"}),
        "Keras model": zip_of({"config.json": b"{}", "model.weights.h5": b""}),
        "archive inside": zip_of({"a/data.zip": inner}),
        "model file inside": zip_of({"download/model.pt": inner}),
        "did not make": zip_of({"word/document.xml": b"<a/>"}),
        "TorchScript": zipped(state_dict(), members={"constants.pkl": b"\x80\x02)."}),
        "TorchScript program": zipped(state_dict(), members={"code/__torch__.py": b"import os"}),
    }
    for says, data in files.items():
        label = says.rstrip(";")
        yield Hostile(group, label, data, "" if says == "HDF5 file with" else says.split(";")[0])


def _legacy_lies() -> Iterator[Hostile]:
    group = "legacy lies"
    stored = storage(legacy=True)
    good = pickled(mapping({"w": tensor(stored)}))
    yield Hostile(group, "cut off", legacy(good)[:-3], "cut off")
    yield Hostile(group, "bytes behind", legacy(good) + b"x", "follow its end")
    yield Hostile(group, "cut off in the pickle", legacy(good)[:150])
    yield Hostile(
        group, "a storage too many", legacy(good, {"0": (4, bytes(16)), "1": (1, bytes(4))})
    )
    yield Hostile(group, "a storage too few", legacy(good, {}))
    yield Hostile(group, "another length", legacy(good, {"0": (3, bytes(12))}))
    yield Hostile(group, "an immense length", legacy(good, {"0": (2**60, bytes(16))}))
    yield Hostile(group, "wrong magic", b"\x80\x02\x8a\x01\x05." + legacy(good))
    yield Hostile(
        group, "big-endian", legacy(good).replace(b"endian\x88", b"endian\x89"), "byte order"
    )
    yield Hostile(group, "another version", legacy(good).replace(b"M\xe9\x03", b"M\xea\x03", 1))
    view = (
        tuple_of(
            text("storage"),
            name("torch", "FloatStorage"),
            text("0"),
            text("cpu"),
            integer(4),
            tuple_of(text("v"), integer(0), integer(4)),
        )
        + b"Q"
    )
    yield Hostile(group, "a view", legacy(pickled(mapping({"w": tensor(view)}))))
    yield Hostile(
        group,
        "keys that are no texts",
        legacy(good).replace(b"](X\x01\x00\x00\x000e.", b"](K\x00e."),
    )


def _safetensors_lies() -> Iterator[Hostile]:
    group = "safetensors lies"
    two = {"a": entry(), "b": entry(offsets=(16, 32))}
    headers = {
        "overlap": ({"a": entry(), "b": entry(offsets=(8, 24))}, 24),
        "gap": ({"a": entry(), "b": entry(offsets=(20, 36))}, 36),
        "bytes behind": (two, 40),
        "bytes missing": (two, 31),
        "no bytes": ({"a": entry()}, 0),
        "shape larger than its bytes": ({"a": entry(shape=(10**6, 10**6))}, 16),
        "shape that overflows": ({"a": entry(shape=(2**47, 2**47))}, 16),
        "negative shape": ({"a": entry(shape=(-4,))}, 16),
        "shape of floats": ({"a": entry(shape=(4.0,))}, 16),
        "shape of truths": ({"a": entry(shape=(True,), offsets=(0, 4))}, 4),
        "shape as text": ({"a": entry(shape="4")}, 16),
        "nine dimensions": ({"a": entry(shape=(1,) * 9, offsets=(0, 4))}, 4),
        "backward offsets": ({"a": entry(offsets=(16, 0))}, 16),
        "three offsets": ({"a": entry(offsets=(0, 16, 16))}, 16),
        "unknown kind": ({"a": entry(dtype="F8_E4M3", shape=(16,))}, 16),
        "kind as a number": ({"a": {"dtype": 4, "shape": [4], "data_offsets": [0, 16]}}, 16),
        "an extra field": ({"a": {**entry(), "code": "import os"}}, 16),
        "a missing field": ({"a": {"dtype": "F32", "shape": [4]}}, 16),
        "an entry that is a list": ({"a": [1, 2]}, 16),
        "metadata of numbers": ({"__metadata__": {"a": 1}, "a": entry()}, 16),
        "metadata as a list": ({"__metadata__": ["a"], "a": entry()}, 16),
        "no tensors": ({}, 0),
        "control characters in a name": ({"a\x1b[2J": entry()}, 16),
        "empty name": ({"": entry()}, 16),
    }
    for label, (header, n_bytes) in headers.items():
        yield Hostile(group, label, safetensors(header, bytes(n_bytes)))
    plain = safetensors({"a": entry()}, bytes(16))
    twice = b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},' * 2
    yield Hostile(
        group, "a name twice", safetensors(twice[:-1].replace(b"},{", b'},"a":{') + b"}", bytes(16))
    )
    yield Hostile(
        group,
        "bytes in the padding",
        safetensors({"a": entry()}, bytes(16), padding=b"  \x00 evil"),
    )
    yield Hostile(
        group, "a second object", safetensors({"a": entry()}, bytes(16), padding=b'{"b": 1}')
    )
    yield Hostile(
        group,
        "a header of 2 MB",
        safetensors({"a": entry()}, bytes(16), padding=b" " * 2_000_000),
        "1,000,000",
    )
    yield Hostile(
        group, "a header longer than the file", struct.pack("<Q", 900_000) + b"{" + plain[9:]
    )
    yield Hostile(group, "a header of 2**39 bytes", struct.pack("<Q", 2**39) + b"{" + plain[9:])
    yield Hostile(group, "a header that is nested", safetensors(b'{"a":' * 100_000))
    yield Hostile(group, "a header that is not JSON", safetensors(b"{a: 1}"))
    yield Hostile(group, "a header that is not UTF-8", safetensors(b'{"\xff": 1}'))
    yield Hostile(
        group, "a number of 100,000 digits", safetensors(b'{"a":' + b"9" * 100_000 + b"}")
    )
    yield Hostile(group, "cut off", plain[:-5])
    yield Hostile(group, "only a length", struct.pack("<Q", 8) + b"{")
    crowd = {f"t{index}": entry(shape=(0,), offsets=(0, 0)) for index in range(10_001)}
    short = (
        str(crowd)
        .replace("'", '"')
        .replace(" ", "")
        .replace("(0,)", "[0]")
        .replace("(0,0)", "[0,0]")
    )
    yield Hostile(group, "10,001 tensors", safetensors(short.encode()))
    yield Hostile(
        group, "truth values of 7", safetensors({"a": entry("BOOL", (16,))}, b"\x07" * 16)
    )
