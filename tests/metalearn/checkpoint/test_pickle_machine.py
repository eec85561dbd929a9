"""The machine agrees with Python's own unpickler on plain data, and refuses the rest."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from metalearn.checkpoint.pickle_machine import PickleMachine
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.pickles import dumps, refuse

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
