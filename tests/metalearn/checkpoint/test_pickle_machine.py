"""The machine agrees with Python's own unpickler on plain data, and refuses the rest."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metalearn.checkpoint.pickle_machine import PickleMachine
from metalearn.checkpoint.pickle_names import KNOWN_GLOBALS
from metalearn.checkpoint.pickle_opcodes import ACTIONS
from metalearn.checkpoint.pickle_values import KINDS, MEANINGS, Value
from metalearn.errors import InvalidCheckpoint


def refuse(_: Value) -> Value:
    raise AssertionError("no persistent ids here")


def dumps(value: Any, protocol: int) -> bytes:
    import io

    # torch.save's own pickler, without this project importing the banned module.
    buffer = io.BytesIO()
    pickler = vars(torch.serialization)["pickle"].Pickler(buffer, protocol=protocol)
    pickler.dump(value)
    return buffer.getvalue()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=300)
)
# Larger numbers could be chosen so that all of them collide, and are no keys here.
keys = scalars.filter(lambda value: not isinstance(value, int | float) or abs(value) <= 2**53)
plain = st.recursive(
    scalars | st.binary(max_size=300),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@settings(deadline=None)
@given(plain, st.integers(3, 5))
def test_plain_data_comes_back_from_binary_protocols(value: Any, protocol: int) -> None:
    machine = PickleMachine(dumps(value, protocol), refuse)
    assert machine.run() == value
    assert machine.at == len(dumps(value, protocol))


old_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.text(st.characters(max_codepoint=255), max_size=100)
)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(old_scalars, lambda inner: st.lists(inner) | st.lists(inner).map(tuple)),
    st.integers(0, 2),
)
def test_plain_data_comes_back_from_the_old_protocols(value: Any, protocol: int) -> None:
    assert PickleMachine(dumps(value, protocol), refuse).run() == value


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_is_data_or_a_refusal(noise: bytes) -> None:
    try:
        PickleMachine(b"\x80\x02" + noise, lambda _: None).run()
    except InvalidCheckpoint as refusal:
        assert str(refusal).isprintable()


def test_shared_and_dropped_values_are_followed() -> None:
    assert PickleMachine(b"](K\x01q\x00h\x002e.", refuse).run() == [1, 1, 1]
    assert PickleMachine(b"K\x01(K\x02K\x031.", refuse).run() == 1
    assert PickleMachine(b"K\x01(0.", refuse).run() == 1
    assert PickleMachine(b"K\x01K\x020.", refuse).run() == 1


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"S'it\\'s'\n.", "it's"),
        (b'S"a\\x41"\n.', "aA"),
        (b"T\x02\x00\x00\x00ab.", "ab"),
        (b"U\x02ab.", "ab"),
        (b"Va\\u00fc\n.", "aü"),
        (b"I00\n.", False),
        (b"I01\n.", True),
        (b"I-7\n.", -7),
        (b"L12345678901234567890L\n.", 12345678901234567890),
        (b"F1.5\n.", 1.5),
        (b"(K\x01K\x02l.", [1, 2]),
        (b"(K\x01K\x02d.", {1: 2}),
        (b"ctorch\nSize\n((K\x02K\x03ttR.", (2, 3)),
        (b"ctorch\nSize\n)R.", ()),
        (b"ctorch\ndevice\n(U\x04cudaK\x01tR.", "cuda:1"),
        (b"ccollections\nOrderedDict\n(](](K\x01K\x02eetR.", {1: 2}),
        (b"clightning.fabric.utilities.data\nAttributeDict\n)\x81(U\x02lrK\x01u.", {"lr": 1}),
        (b"K\x05p3\n0g3\n.", 5),
        (b"K\x05r\x01\x02\x03\x040j\x01\x02\x03\x04.", 5),
        (b"\x8b\x02\x00\x00\x00\x00\x80.", -32768),
    ],
)
def test_rare_opcodes_mean_what_pickle_says(data: bytes, value: Value) -> None:
    assert PickleMachine(data, refuse).run() == value


def test_what_could_make_objects_has_no_meaning() -> None:
    forbidden = b"ioP\x92\x82\x83\x84\x97\x98"
    assert not set(forbidden) & set(ACTIONS)


def test_names_that_make_weights_are_torchs_and_no_other_name_can_make_a_tensor() -> None:
    assert len(set(MEANINGS) | KINDS) < 60
    assert all(n.startswith("torch.") or n == "collections.OrderedDict" for n in MEANINGS | {})
    assert all(n.startswith("torch.") for n in KINDS)
    beside = KNOWN_GLOBALS - set(MEANINGS) - KINDS
    for path in beside - {"torch.torch_version.TorchVersion"}:
        assert not path.startswith("torch.")


def test_no_name_that_can_run_something_is_allowed() -> None:
    modules = {"os", "posix", "subprocess", "sys", "runpy", "importlib", "pickle", "operator"}
    for path in KNOWN_GLOBALS:
        module, _, attribute = path.rpartition(".")
        assert module.split(".")[0] not in modules
        if module in {"builtins", "__builtin__"}:
            assert attribute in {"int", "float", "list", "dict", "set", "frozenset", "bytes"}
