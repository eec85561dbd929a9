"""Opcodes of pickle protocols 0 to 5, after the reference in `pickletools`.

INST, OBJ, NEWOBJ_EX, EXT, PERSID and out-of-band buffers are missing on purpose.
"""

import struct
from collections.abc import Callable

from metalearn.checkpoint.pickle_bystanders import is_open, new_set, set_state
from metalearn.checkpoint.pickle_names import check_global, interpret, interpret_new
from metalearn.checkpoint.pickle_state import PickleState
from metalearn.checkpoint.pickle_values import Record, Value, check_key, damaged
from metalearn.errors import InvalidCheckpoint

_MAX_LONG_BYTES = 32

Action = Callable[[PickleState], None]


def _push(read: Callable[[PickleState], Value]) -> Action:
    return lambda state: state.stack.append(read(state))


def _constant(value: Value) -> Action:
    return lambda state: state.stack.append(value)


def _text(length_bytes: int, encoding: str = "utf-8") -> Action:
    """Push text preceded by its length; surrogates, which pickle allows, are refused."""
    return _push(lambda state: state.take(state.number(length_bytes)).decode(encoding))


def _raw(length_bytes: int) -> Action:
    return _push(lambda state: state.take(state.number(length_bytes)))


def _whole_number(state: PickleState) -> Value:
    text = state.line()
    return {b"00": False, b"01": True}.get(text, _parse_int(text))


def _parse_int(text: bytes) -> int:
    if len(text) > 2 * _MAX_LONG_BYTES:
        raise damaged("a number is too long")
    return int(text.removesuffix(b"L"))


def _long(length_bytes: int) -> Action:
    def read(state: PickleState) -> int:
        length = state.number(length_bytes)
        if length > _MAX_LONG_BYTES:
            raise damaged("a number is too long")
        return state.number(length, signed=True)

    return _push(read)


def _float(state: PickleState) -> Value:
    return float(state.line())


def _binary_float(state: PickleState) -> Value:
    value: float = struct.unpack(">d", state.take(8))[0]
    return value


def _quoted(state: PickleState) -> Value:
    text = state.line()
    if len(text) < 2 or text[0] != text[-1] or text[:1] not in {b"'", b'"'}:
        raise damaged("a text has no quotes")
    return text[1:-1].decode("unicode_escape")


def _unicode_line(state: PickleState) -> Value:
    return state.line().decode("raw-unicode-escape")


def _tuple_of(length: int) -> Action:
    def act(state: PickleState) -> None:
        if len(state.stack) < length:
            raise damaged("a tuple has too few parts")
        items = tuple(state.stack[-length:])
        state.stack[-length:] = [items]

    return act


def _tuple_to_mark(state: PickleState) -> None:
    items = state.pop_mark()
    state.stack.append(tuple(items))


def _list_to_mark(state: PickleState) -> None:
    items = state.pop_mark()
    state.stack.append(items)


def _dict_to_mark(state: PickleState) -> None:
    items = state.pop_mark()
    result: dict[Value, Value] = {}
    _set_items(result, items)
    state.stack.append(result)


def _append(state: PickleState) -> None:
    item = state.stack.pop()
    _as_list(state.stack[-1]).append(item)


def _appends(state: PickleState) -> None:
    items = state.pop_mark()
    _as_list(state.stack[-1]).extend(items)


def _set_item(state: PickleState) -> None:
    value, key = state.stack.pop(), state.stack.pop()
    _set_items(state.stack[-1], [key, value])


def _set_items_to_mark(state: PickleState) -> None:
    items = state.pop_mark()
    _set_items(state.stack[-1], items)


def _add_items(state: PickleState) -> None:
    items = state.pop_mark()
    if not is_open(state.stack[-1]):
        raise damaged("it adds to something that is not a set")
    _as_list(state.stack[-1]).extend(items)


def _frozen_set(state: PickleState) -> None:
    items = state.pop_mark()
    state.stack.append(new_set(items))


def _as_list(value: Value) -> list[Value]:
    if isinstance(value, Record):
        value.items = [] if value.items is None else value.items
        value = value.items
    if not isinstance(value, list):
        raise damaged("it appends to something that is not a list")
    return value


def _set_items(target: Value, items: list[Value]) -> None:
    if isinstance(target, Record):
        target.items = {} if target.items is None else target.items
        target = target.items
    if not isinstance(target, dict) or len(items) % 2:
        raise damaged("it sets items of something that is not a dictionary")
    for index in range(0, len(items), 2):
        target[check_key(items[index])] = items[index + 1]


def _name(state: PickleState) -> Value:
    module = state.line().decode("utf-8")
    return check_global(module, state.line().decode("utf-8"))


def _name_from_stack(state: PickleState) -> None:
    name, module = state.stack.pop(), state.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise damaged("a name is not text")
    state.spend((len(name) + len(module)) // 16)
    state.stack.append(check_global(module, name))


def _reduce(state: PickleState) -> None:
    arguments, function = state.stack.pop(), state.stack.pop()
    state.spend(_cost(arguments))
    state.stack.append(interpret(function, arguments))


def _new_object(state: PickleState) -> None:
    arguments, kind = state.stack.pop(), state.stack.pop()
    state.spend(_cost(arguments))
    state.stack.append(interpret_new(kind, arguments))


def _cost(arguments: Value) -> int:
    """Return the steps a call costs: the memo can supply large arguments again and again."""
    if not isinstance(arguments, tuple):
        return 0
    return sum(
        len(part) if isinstance(part, list | tuple) else len(part) // 16
        for part in arguments
        if isinstance(part, list | tuple | str | bytes)
    ) + len(arguments)


def _build(state: PickleState) -> None:
    attributes = state.stack.pop()
    set_state(state.stack[-1], attributes)


def _persistent(state: PickleState) -> None:
    state.stack.append(state.persistent_load(state.stack.pop()))


def _protocol(state: PickleState) -> None:
    if state.number(1) > 5:
        raise InvalidCheckpoint(
            "The file's pickle has a protocol that does not exist; save it again with torch.save."
        )


def _frame(state: PickleState) -> None:
    if state.number(8) > len(state.data) - state.at:
        raise damaged("it is cut off")


def _pop(state: PickleState) -> None:
    if state.stack:
        state.stack.pop()
    else:
        state.pop_mark()


def _pop_to_mark(state: PickleState) -> None:
    state.pop_mark()


def _remember(length_bytes: int) -> Action:
    return lambda state: state.remember(state.number(length_bytes))


def _recall(length_bytes: int) -> Action:
    return _push(lambda state: state.memo[state.number(length_bytes)])


PROTO = 0x80
ACTIONS: dict[int, Action] = {
    PROTO: _protocol,
    0x95: _frame,
    # values
    ord("N"): _constant(None),
    0x88: _constant(True),
    0x89: _constant(False),
    ord("I"): _push(_whole_number),
    ord("L"): _push(lambda state: _parse_int(state.line())),
    ord("J"): _push(lambda state: state.number(4, signed=True)),
    ord("K"): _push(lambda state: state.number(1)),
    ord("M"): _push(lambda state: state.number(2)),
    0x8A: _long(1),
    0x8B: _long(4),
    ord("F"): _push(_float),
    ord("G"): _push(_binary_float),
    ord("S"): _push(_quoted),
    ord("T"): _text(4),
    ord("U"): _text(1),
    ord("V"): _push(_unicode_line),
    ord("X"): _text(4),
    0x8C: _text(1),
    0x8D: _text(8),
    ord("B"): _raw(4),
    ord("C"): _raw(1),
    0x8E: _raw(8),
    0x96: _raw(8),  # a bytearray, kept as immutable bytes
    # containers
    ord("("): PickleState.push_mark,
    ord(")"): _constant(()),
    ord("t"): _tuple_to_mark,
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    ord("]"): _push(lambda _: []),
    ord("l"): _list_to_mark,
    ord("a"): _append,
    ord("e"): _appends,
    ord("}"): _push(lambda _: {}),
    ord("d"): _dict_to_mark,
    ord("s"): _set_item,
    ord("u"): _set_items_to_mark,
    0x8F: _push(lambda _: new_set([])),
    0x90: _add_items,
    0x91: _frozen_set,
    # names, calls and references
    ord("c"): _push(_name),
    0x93: _name_from_stack,
    ord("R"): _reduce,
    0x81: _new_object,
    ord("b"): _build,
    ord("Q"): _persistent,
    # stack and memo
    ord("0"): _pop,
    ord("1"): _pop_to_mark,
    ord("2"): _push(lambda state: state.stack[-1]),
    ord("p"): lambda state: state.remember(_parse_int(state.line())),
    ord("q"): _remember(1),
    ord("r"): _remember(4),
    0x94: lambda state: state.remember(len(state.memo)),
    ord("g"): _push(lambda state: state.memo[_parse_int(state.line())]),
    ord("h"): _recall(1),
    ord("j"): _recall(4),
}
