"""Rules for names and calls in a pickle: see docs/decisions/0036-inert-records.md."""

import re
import sys

from metalearn.checkpoint.printable import STATE_DICT, shown
from metalearn.errors import InvalidCheckpoint

_MAX_PATH = 300
_BUILTINS = ("builtins", "__builtin__")
_STANDARD = frozenset(sys.stdlib_module_names) | {*_BUILTINS, "copy_reg", "commands"}
_MAIN = frozenset({"__main__", "__mp_main__", "__torch__"})
# Modules reachable through a dotted name because other modules import them.
_REACHED = frozenset(
    {
        *("os", "posix", "nt", "sys", "subprocess", "importlib", "runpy", "pickle", "shutil"),
        *("ctypes", "pty", "socket", "webbrowser", "tempfile", "pdb", "timeit", "asyncio"),
        *("commands", "codeop", "marshal", "urllib", *_BUILTINS),
    }
)
_RUNNING = frozenset({"Popen", "CDLL", "PyDLL", "Unpickler", "Process", "Thread"})
_RUNNING_WORDS = frozenset(
    {
        *("load", "loads", "run", "exec", "execute", "eval", "call", "import", "system", "open"),
        *("compile", "popen", "spawn", "apply", "download", "install", "main", "invoke", "src"),
        *("code", "source", "deserialize"),
    }
)
STANDARD_CALLS = frozenset(
    {
        *("collections.deque", "collections.ChainMap", "collections.UserDict"),
        *("decimal.Decimal", "fractions.Fraction", "uuid.UUID", "functools.partial"),
        *("datetime.time", "datetime.timezone", "re._compile", "logging.getLogger"),
        "random.Random",
        *(f"{module}.{kind}" for module in _BUILTINS for kind in ("slice", "range", "xrange")),
        *(
            f"{module}.{kind}"
            for module in _BUILTINS
            for kind in ("bytearray", "object", "complex")
        ),
    }
)
"""Calls of the standard library that only make plain objects."""
_STANDARD_NAMES = STANDARD_CALLS | {
    *("enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag", "uuid.SafeUUID"),
    *("collections.abc.Mapping", "types.SimpleNamespace", "argparse.Namespace"),
    *(
        f"{module}.{kind}"
        for module in _BUILTINS
        for kind in (
            *("str", "bool", "bytes", "tuple", "type", "len", "min", "max", "sum", "abs", "round"),
            *("sorted", "print", "long", "unicode"),
        )
    ),
}


def check_name(path: str) -> None:
    """Raise InvalidCheckpoint if a weights file should not mention this name."""
    if path in _STANDARD_NAMES:
        return
    parts = path.split(".") if len(path) <= _MAX_PATH else []
    if not parts or not all(part.isascii() and part.isidentifier() for part in parts):
        raise _mentioned(path)
    if parts[0] in _STANDARD or _reaches(parts):
        raise _mentioned(path)


def check_call(path: str) -> None:
    """Raise InvalidCheckpoint unless calling this name only makes an object."""
    if path in STANDARD_CALLS:
        return
    last = path.rsplit(".", 1)[-1]
    word = last.lstrip("_")
    makes = word[:1].isupper() or last.startswith("_")
    runs = last in _RUNNING or _RUNNING_WORDS & set(word.lower().split("_"))
    if path.split(".", 1)[0] in _STANDARD or not makes or runs:
        raise _called(path)


def check_class(path: str) -> None:
    """Raise InvalidCheckpoint if instantiating this class could run something."""
    if path.split(".", 1)[0] in _STANDARD and path not in STANDARD_CALLS:
        raise _called(path)
    if path.rsplit(".", 1)[-1] in _RUNNING:
        raise _called(path)


def check_attribute(name: str) -> None:
    """Raise InvalidCheckpoint for an attribute that leads to Python's internals."""
    if len(name) > _MAX_PATH or not name.isidentifier() or re.fullmatch("__.*__", name):
        raise _called(f"getattr(…, {name[:_MAX_PATH]})")


def _reaches(parts: list[str]) -> bool:
    if any(part in _REACHED for part in parts[1:]):
        return True
    return any(re.fullmatch("__.*__", part) and part not in _MAIN for part in parts)


def _mentioned(path: str) -> InvalidCheckpoint:
    return InvalidCheckpoint(
        f"The file mentions “{shown(path)}”, which no list of weights needs and which can run "
        f"something when the file is loaded elsewhere; upload {STATE_DICT}."
    )


def _called(path: str) -> InvalidCheckpoint:
    if path.startswith(("torch.jit.", "__torch__")):
        return InvalidCheckpoint(
            f"The file has a part of a TorchScript program (“{shown(path)}”) that makes no sense; "
            "save the program again with torch.jit.save, or upload "
            "torch.save(model.state_dict(), …)."
        )
    return InvalidCheckpoint(
        f"The file would run the function “{shown(path)}” when it is loaded elsewhere, so it is "
        f"not read; upload {STATE_DICT}."
    )
