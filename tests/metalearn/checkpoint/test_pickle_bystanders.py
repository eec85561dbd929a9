"""What training scripts save beside the weights becomes plain data, or the file is refused."""

import pytest

from metalearn.checkpoint.pickle_bystanders import (
    BYSTANDERS,
    NEW_BYSTANDERS,
    is_open,
    new_set,
    set_state,
)
from metalearn.checkpoint.pickle_values import Global, Record, Value
from metalearn.errors import InvalidCheckpoint


def made(path: str, *arguments: Value) -> Value:
    return BYSTANDERS[path](arguments)


def test_texts_dictionaries_and_sets_become_plain_data() -> None:
    assert made("_codecs.encode", "é", "latin1") == b"\xe9"
    assert made("builtins.bytes") == b""
    assert made("collections.defaultdict", Global("builtins.int")) == {}
    assert made("collections.Counter", {"a": 2}) == {"a": 2}
    found = made("builtins.frozenset", [1, 2])
    assert isinstance(found, Record) and found.items == [1, 2]


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("_codecs.encode", ("x", "utf-8")),
        ("builtins.bytes", (3,)),
        ("collections.defaultdict", (Global("torch.Size"),)),
        ("collections.Counter", ([1],)),
        ("builtins.set", ((1,),)),
        ("pathlib.PosixPath", ([Record("x.Y")],)),
    ],
)
def test_calls_that_python_would_not_write_are_refused(
    path: str, arguments: tuple[Value, ...]
) -> None:
    with pytest.raises(InvalidCheckpoint, match="damaged"):
        made(path, *arguments)


def test_a_namespace_is_a_record_and_gets_its_attributes() -> None:
    namespace = NEW_BYSTANDERS["argparse.Namespace"](())
    set_state(namespace, {"lr": 0.1})
    assert isinstance(namespace, Record) and namespace.state == {"lr": 0.1}
    with pytest.raises(InvalidCheckpoint, match="make no sense"):
        set_state(namespace, [1])


def test_attributes_of_dictionaries_are_dropped_and_closed_values_get_none() -> None:
    state: dict[Value, Value] = {"weight": 1}
    set_state(state, {"_metadata": 2})
    assert state == {"weight": 1}
    for closed in (new_set([]), made("pathlib.PosixPath", "a"), "text"):
        with pytest.raises(InvalidCheckpoint, match="has none"):
            set_state(closed, {})


def test_items_can_be_added_to_a_set_and_to_no_dictionary() -> None:
    holding = Record("a.Dict")
    holding.items = {}
    assert is_open(new_set([])) and is_open(Record("a.List"))
    assert not is_open(holding) and not is_open([])
