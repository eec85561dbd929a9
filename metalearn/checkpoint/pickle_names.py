"""Names that a pickle may mention, and the meaning of calls. Nothing is called."""

from metalearn.checkpoint.pickle_bystanders import BYSTANDERS, FACTORIES, NEW_BYSTANDERS
from metalearn.checkpoint.pickle_rules import check_attribute, check_call, check_class, check_name
from metalearn.checkpoint.pickle_values import KINDS, MEANINGS, Global, Record, Value, damaged
from metalearn.checkpoint.printable import shown

_MEANINGS = MEANINGS | BYSTANDERS
KNOWN_GLOBALS = frozenset(_MEANINGS) | frozenset(NEW_BYSTANDERS) | KINDS | FACTORIES
"""Names with a meaning; any other becomes a Record or is refused."""
_COPY = ("copyreg", "copy_reg")
_RECONSTRUCTORS = frozenset(f"{module}._reconstructor" for module in _COPY)
_NEW = frozenset(f"{module}.__newobj__" for module in _COPY)
_ATTRIBUTES = frozenset({"builtins.getattr", "__builtin__.getattr"})
_WRAPPED = frozenset({"torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2"})
_HELPERS = _RECONSTRUCTORS | _NEW | _ATTRIBUTES | _WRAPPED
_BASES = frozenset({"builtins.object", "__builtin__.object"})
_CONTAINERS: dict[str, type] = {
    **{"builtins.dict": dict, "__builtin__.dict": dict},
    **{"builtins.list": list, "__builtin__.list": list},
}
# TorchScript wraps its lists in calls of these, with the list as first argument.
_SCRIPT_LISTS = frozenset(
    f"torch.jit._pickle.{name}"
    for name in (
        *("build_intlist", "build_tensorlist", "build_doublelist", "build_boollist"),
        "restore_type_tag",
    )
)


def interpret(function: Value, arguments: Value) -> Value:
    """Return what a call in the pickle means, as plain data or a Record."""
    if not isinstance(function, Global) or type(arguments) is not tuple:
        raise damaged("it calls something that is not a function")
    path = function.path
    meaning = _MEANINGS.get(path)
    if meaning is not None:
        return meaning(arguments)
    if path in _HELPERS:
        return _helped(path, arguments)
    if path in _SCRIPT_LISTS and arguments and isinstance(arguments[0], list | dict):
        return arguments[0]
    if path in KNOWN_GLOBALS:
        raise damaged(f"it calls “{shown(path)}”")
    check_call(path)
    return Record(path, arguments)


def check_global(module: str, name: str) -> Global:
    """Return a Global; raise InvalidCheckpoint if a weights file should not mention this name."""
    path = f"{module}.{name}"
    if path not in KNOWN_GLOBALS and path not in _HELPERS:
        check_name(path)
    return Global(path)


def interpret_new(kind: Value, arguments: Value) -> Value:
    """Interpret `kind.__new__(kind, …)`, which makes an object and runs no function."""
    if not isinstance(kind, Global) or type(arguments) is not tuple:
        raise damaged("it makes an object of something that is not a class")
    meaning = NEW_BYSTANDERS.get(kind.path)
    if meaning is not None:
        return meaning(arguments)
    _check_own_class(kind)
    return Record(kind.path, arguments)


def _check_own_class(kind: Global) -> None:
    if kind.path in KNOWN_GLOBALS or kind.path in _HELPERS:
        raise damaged(f"it makes an object of “{shown(kind.path)}”")
    check_class(kind.path)


def _helped(path: str, arguments: tuple[Value, ...]) -> Value:
    first = arguments[0] if arguments else None
    if path in _NEW:
        return interpret_new(first, arguments[1:])
    if path in _RECONSTRUCTORS:
        return _reconstructed(arguments)
    if path in _WRAPPED:
        # (function, class, its arguments, attributes): keep the tensor, drop the class.
        if len(arguments) != 4 or type(arguments[2]) is not tuple:
            raise damaged("a tensor subclass is not described the way torch does")
        maker = MEANINGS.get(first.path) if isinstance(first, Global) else None
        return maker(arguments[2]) if maker else Record(path, arguments)
    if len(arguments) != 2 or type(arguments[1]) is not str:
        raise damaged("an attribute is not described the way Python does")
    check_attribute(arguments[1])
    return Record("builtins.getattr", arguments)


def _reconstructed(arguments: tuple[Value, ...]) -> Record:
    """Interpret (class, base, base's value), as written by protocols 0 and 1."""
    kind, base, value = arguments
    if not isinstance(kind, Global) or not isinstance(base, Global):
        raise damaged("an object is not described the way Python does")
    _check_own_class(kind)
    record = Record(kind.path)
    if isinstance(value, _CONTAINERS.get(base.path, ())):
        assert isinstance(value, dict | list)
        record.items = value
    elif base.path not in _BASES or value is not None:
        record.args = (value,)
    return record
