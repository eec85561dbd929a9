"""Code that hides in what a training checkpoint has beside its weights."""

from collections.abc import Iterator
from pathlib import Path

from tests.metalearn.checkpoint.builders import (
    integer,
    legacy,
    mapping,
    name,
    pickled,
    tensor,
    text,
    tuple_of,
    zipped,
)
from tests.metalearn.checkpoint.case import Hostile

GROUP = "behind honest weights"
DTYPE = name("numpy", "dtype")
SCALAR = name("numpy.core.multiarray", "scalar")
RECONSTRUCT = name("numpy.core.multiarray", "_reconstruct")
BUFFER = name("numpy._core.numeric", "_frombuffer")
ARRAY = name("numpy", "ndarray")
DOUBLE = DTYPE + tuple_of(text("f8"), b"\x89", b"\x88") + b"R"
OBJECTS = DTYPE + tuple_of(text("O8"), b"\x89", b"\x88") + b"R"


def raw_bytes(data: bytes) -> bytes:
    """SHORT_BINBYTES."""
    return b"C" + bytes([len(data)]) + data


def hostile_bystanders(canary: Path) -> Iterator[Hostile]:
    """Each beside weights that would be accepted without it."""
    weights = mapping({"w": tensor()})
    for label, value in {**_numpy(canary), **_python(canary)}.items():
        data = zipped(pickled(mapping({"state_dict": weights, "args": value})))
        yield Hostile(GROUP, label, data)
    evil = name("os", "system") + tuple_of(text(f"touch {canary}")) + b"R"
    hidden = pickled(mapping({"state_dict": b"}", "optimizer": mapping({"state": evil})}))
    yield Hostile(GROUP, "an optimiser that calls, legacy", legacy(hidden, {}), "os.system")


def _numpy(canary: Path) -> dict[str, bytes]:
    inner = f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()[:255]
    empty = RECONSTRUCT + tuple_of(ARRAY, tuple_of(b"K\x00"), raw_bytes(b"b")) + b"R"
    one = tuple_of(b"K\x01")
    return {
        "a NumPy number of objects": SCALAR + tuple_of(OBJECTS, raw_bytes(inner)) + b"R",
        "a NumPy number of too few bytes": SCALAR + tuple_of(DOUBLE, raw_bytes(b"1234")) + b"R",
        "a NumPy number of no kind": SCALAR + tuple_of(text("f8"), raw_bytes(bytes(8))) + b"R",
        "a NumPy number of one part": SCALAR + tuple_of(DOUBLE) + b"R",
        "a NumPy kind of nothing": DTYPE + b")R",
        "a NumPy kind of fields": DTYPE + tuple_of(b"]") + b"R",
        "a NumPy kind with a hidden list": DTYPE + tuple_of(text("f8"), b"]", b"\x88") + b"R",
        "a NumPy kind with objects as its state": DOUBLE + tuple_of(b"K\x03", b"}") + b"b",
        "a NumPy kind whose state is a list": DOUBLE + b"]b",
        "a NumPy array of bytes that are objects": empty
        + tuple_of(b"K\x01", one, OBJECTS, b"\x89", raw_bytes(inner))
        + b"b",
        "a NumPy text of a million letters": SCALAR
        + tuple_of(DTYPE + tuple_of(text("U1000000")) + b"R", raw_bytes(b"a"))
        + b"R",
        "a NumPy array of a list": empty + tuple_of(b"K\x01", one, DOUBLE, b"\x89", b"](Ne") + b"b",
        "a NumPy array of too few parts": empty + tuple_of(b"K\x01") + b"b",
        "a NumPy array whose state is a list": empty + b"]b",
        "a NumPy array of another class": RECONSTRUCT
        + tuple_of(name("torch", "Size"), tuple_of(b"K\x00"), raw_bytes(b"b"))
        + b"R",
        "a NumPy array that is called": ARRAY + b")R",
        "a NumPy file in a pickle": name("numpy", "load") + tuple_of(text("x.npy")) + b"R",
        "a NumPy buffer of nothing": BUFFER + b")R",
        "a NumPy buffer of objects": BUFFER
        + tuple_of(raw_bytes(inner), OBJECTS, one, text("C"))
        + b"R",
        "a NumPy buffer of a list": BUFFER + tuple_of(b"]", DOUBLE, one, text("C")) + b"R",
        "a NumPy buffer in another order": BUFFER
        + tuple_of(raw_bytes(bytes(8)), DOUBLE, one, text("K"))
        + b"R",
        "a NumPy buffer in an order of tuples in tuples": BUFFER
        + tuple_of(raw_bytes(bytes(8)), DOUBLE, one, b")" + b"\x85" * 500_000)
        + b"R",
        "a NumPy call": name("numpy", "frompyfunc") + b")R",
    }


def _python(canary: Path) -> dict[str, bytes]:
    namespace = name("argparse", "Namespace")
    evil = name("os", "system") + tuple_of(text(f"touch {canary}")) + b"R"
    default_dict = name("collections", "defaultdict")
    return {
        "a namespace that calls": namespace + b")\x81}(" + text("a") + evil + b"ub",
        "a namespace of parts": namespace + tuple_of(integer(1)) + b"\x81",
        "a namespace that is called": namespace + b")R",
        "a namespace whose state is a tuple": namespace + b")\x81)b",
        "a namespace of a text": namespace + text("a") + b"\x81",
        "an object of a text": text("os.system") + b")\x81",
        "an object of a tensor's maker": name("torch._utils", "_rebuild_tensor_v2") + b")\x81",
        "a defaultdict that calls": default_dict + tuple_of(name("os", "system")) + b"R",
        "a defaultdict of a maker": default_dict + tuple_of(name("torch", "Size")) + b"R",
        "a defaultdict of two parts": default_dict + tuple_of(b"N", b"N") + b"R",
        "a counter of a list": name("collections", "Counter") + tuple_of(b"]") + b"R",
        "a set of a number": name("builtins", "set") + tuple_of(b"K\x01") + b"R",
        "a list that is called": name("builtins", "list") + b")R",
        "a number made of a text": name("builtins", "int") + tuple_of(text("9" * 5_000)) + b"R",
        "builtins by attribute": name("builtins", "getattr") + b")R",
        "bytes by rot13": name("_codecs", "encode") + tuple_of(text("bf"), text("rot13")) + b"R",
        "bytes by zlib": name("_codecs", "encode") + tuple_of(raw_bytes(b"x"), text("zlib")) + b"R",
        "bytes that are no Latin": name("_codecs", "encode")
        + tuple_of(text("\u20ac"), text("latin1"))
        + b"R",
        "a decoder": name("_codecs", "decode") + tuple_of(raw_bytes(b"x"), text("zlib")) + b"R",
        "items for a list, as for a set": b"](Nt\x90",
        "items for a list of marks": b"](N\x90",
        "a frozen set without a mark": b"\x91",
        "a path of a list": name("pathlib", "PosixPath") + tuple_of(b"]") + b"R",
        "a path of 1,001 parts": name("pathlib", "PosixPath") + b"(" + text("a") * 1_001 + b"tR",
        "a moment of a dictionary": name("datetime", "datetime") + tuple_of(b"}") + b"R",
        "a settings object with parts": name("pytorch_lightning.utilities.parsing", "AttributeDict")
        + tuple_of(b"}")
        + b"\x81",
        "a version made of a tensor": name("torch.torch_version", "TorchVersion")
        + tuple_of(tensor())
        + b"\x81",
        "a simple namespace of parts": name("types", "SimpleNamespace") + tuple_of(b"}") + b"R",
        "a function in a namespace": name("types", "FunctionType") + b")R",
        "a scheduler's lambda": name("__main__", "<lambda>"),
    }
