"""Objects of unknown classes beside honest weights, made to run something or to take for ever."""

from collections.abc import Iterator
from pathlib import Path

from tests.metalearn.checkpoint.builders import (
    integer,
    mapping,
    name,
    pickled,
    tensor,
    text,
    tuple_of,
    zipped,
)
from tests.metalearn.checkpoint.case import Hostile

OWN = name("project.settings", "Config")
NEW = OWN + b")\x81"


def hostile_records(canary: Path) -> Iterator[Hostile]:
    """Each beside weights that would be accepted without it."""
    weights = mapping({"w": tensor()})
    for label, value in {**_functions(canary), **_results(), **_oddities()}.items():
        data = zipped(pickled(mapping({"state_dict": weights, "args": value})))
        yield Hostile("calls of other names", label, data)
    for label, value in _without_weights().items():
        yield Hostile("records instead of weights", label, zipped(pickled(value), {}))


def _functions(canary: Path) -> dict[str, bytes]:
    command = tuple_of(text(f"touch {canary}"))
    paths = (
        *("numpy.testing._private.utils.runstring", "numpy.load", "numpy.lib.npyio.load"),
        *("torch.hub.load", "torch.load", "torch.serialization._load", "torch.compile"),
        *("torch.storage._load_from_bytes", "torch.utils.cpp_extension.load_inline"),
        *("torch.jit._script.script", "torch.jit.unsupported_tensor_ops.execWrapper"),
        *("torch.fx.graph_module.reduce_graph_module", "torch._dynamo.guards.GuardBuilder.eval"),
        *("torch.distributed.rpc.internal._run_function", "torch.utils._runtime._exec"),
        *("pip.main", "pip._internal.main", "setuptools.sandbox.run_setup", "IPython.start"),
        *("cloudpickle.cloudpickle.subimport", "dill._dill.load", "joblib.load", "pandas.eval"),
        *("subprocess.Popen", "subprocess.call", "os.popen", "posix.execv", "shutil.rmtree"),
        *("multiprocessing.Process", "threading.Thread", "ctypes.CDLL", "code.InteractiveConsole"),
        *("asyncio.create_subprocess_shell", "socket.create_connection", "webbrowser.open"),
        *("types.CodeType", "types.FunctionType", "builtins.compile", "builtins.__import__"),
        *("builtins.open", "builtins.setattr", "builtins.map", "builtins.type.mro", "sys.exit"),
        *("operator.methodcaller", "itertools.starmap", "functools.reduce", "pickle.loads"),
        *("torch.utils.cpp_extension.subprocess.Popen", "models.os.system", "a.b.sys.Exit"),
        *("models.net.Popen", "torch.multiprocessing.Process", "numpy.ctypeslib.ctypes.CDLL"),
        *("models.Net.__init__.__globals__", "models.__builtins__", "models.Net.__subclasses__"),
        *("timm.create_model", "torchvision.models.resnet18", "__main__.build", "utils.get"),
        *("models._Run_all", "models.__call", "lib._importing_.import_module"),
    )
    calls = {}
    for path in paths:
        module, _, attribute = path.rpartition(".")
        calls[path] = name(module, attribute) + command + b"R"
    for path in ("subprocess.STARTUPINFO", "os._wrap_close", "ctypes.Array", "builtins.type"):
        module, _, attribute = path.rpartition(".")
        calls[f"a new {path}"] = name(module, attribute) + b")\x81"
    return calls


def _results() -> dict[str, bytes]:
    """Calls of what a call gave, attributes of attributes."""
    get = name("builtins", "getattr")
    bound = get + tuple_of(OWN, text("load")) + b"R"
    return {
        "a call of an object": NEW + b")R",
        "a call of an attribute": bound + b")R",
        "an object of an attribute": bound + b")\x81",
        "an object of an object": NEW + b")\x81",
        "an attribute of machinery": get + tuple_of(OWN, text("__globals__")) + b"R",
        "an attribute that is no name": get + tuple_of(OWN, text("a.b")) + b"R",
        "an attribute of three parts": get + tuple_of(OWN, text("a"), b"N") + b"R",
        "an attribute that is an object": get + tuple_of(OWN, NEW) + b"R",
        "a chain of attributes that is called": OWN
        + (b"q\x010" + get + tuple_of(b"h\x01", text("a")) + b"R") * 50
        + b")R",
        "a partial that is called": name("functools", "partial") + tuple_of(OWN) + b"R)R",
        "a partial of a command": name("functools", "partial")
        + tuple_of(name("os", "system"))
        + b"R",
        "a new object through copyreg": name("copyreg", "__newobj__")
        + tuple_of(name("subprocess", "Popen"))
        + b"R",
        "a new object of nothing": name("copyreg", "__newobj__") + b")R",
        "a new object of a tensor's maker": name("copyreg", "__newobj__")
        + tuple_of(name("torch._utils", "_rebuild_tensor_v2"))
        + b"R",
        "a rebuilt object of a text": name("copyreg", "_reconstructor")
        + tuple_of(text("os.system"), name("builtins", "object"), b"N")
        + b"R",
        "a rebuilt object of two parts": name("copyreg", "_reconstructor") + tuple_of(OWN) + b"R",
        "a tensor's class that calls": name("torch._tensor", "_rebuild_from_type_v2")
        + tuple_of(name("os", "system"), OWN, b")", b"N")
        + b"R",
        "tensors' classes in tensors' classes": name("torch._tensor", "_rebuild_from_type_v2")
        + b"q\x010"
        + b")"
        + (b"q\x020" + tuple_of(b"h\x01", OWN, b"h\x02", b"N")) * 2_000
        + b"q\x020h\x01h\x02Rb",
    }


def _oddities() -> dict[str, bytes]:
    return {
        "bytes of a number": name("__builtin__", "bytes") + tuple_of(integer(10**9)) + b"R",
        "items for a class": OWN + text("a") + b"Ns",
        "attributes for a class": OWN + b"}b",
        "items and a list in one": NEW + text("a") + b"NsNa",
        "a list and items in one": NEW + b"Na" + text("a") + b"Ns",
        "a key that is a list": b"}]Ns",
        "attributes of a set": b"\x8f}b",
        "a class with a foreign letter": name("project", "C\u043enfig") + b")\x81",
        "a class with a space": name("project", "Con fig") + b")\x81",
        "a class without a name": name("project", "") + b")\x81",
        "a class of 400 letters": name("project", "C" * 400) + b")\x81",
        "a TorchScript list of nothing": name("torch.jit._pickle", "build_intlist") + b")R",
    }


def _without_weights() -> dict[str, bytes]:
    recall = b"q\x010" + OWN + b")\x81q\x020"
    deep = OWN + recall + NEW + b"".join(b"q\x030h\x01)\x81h\x03b" for _ in range(4_000))
    many = OWN + b"q\x010](" + b"h\x01)\x81" * 10_000 + b"e"
    module = mapping({"_parameters": b"}", "_buffers": b"}", "_modules": b"}q\x050h\x05"})
    circle = NEW + b"q\x04" + module + b"h\x05" + text("a") + b"h\x04s0" + b"b"
    crowd = b"".join(
        NEW + mapping({"_modules": mapping({"a": b"h\x06", "b": b"h\x06"})}) + b"bq\x060"
        for _ in range(40)
    )
    laughs = NEW + mapping({"_parameters": mapping({"w": b"N"})}) + b"bq\x060" + crowd + b"h\x06"
    names = ("model", "ema", "net")
    again = b"}q\x07" + b"".join(text(key) + b"h\x07s" for key in names)
    numbers = b"".join(integer(number) + b"N" for number in range(10_000))
    return {
        "records in records": deep,
        "10,000 records": many,
        "a record with 10,000 items": NEW + b"(" + numbers + b"u",
        "a record in itself": NEW + b"q\x04h\x04b",
        "a record among its own items": NEW + b"q\x04h\x04a",
        "a network in itself": circle,
        "a network of 2**40 parts": laughs,
        "a model in itself under three names": again,
        "a network without a tensor": NEW + module + b"b",
    }
