"""The stack, marks, memo and bytes of a pickle, and their bounds."""

import pytest

from metalearn.checkpoint.limits import MAX_PICKLE_DEPTH
from metalearn.checkpoint.pickle_state import PickleState
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.pickles import refuse


def state_of(data: bytes = b"", steps: int = 10) -> PickleState:
    return PickleState(data, refuse, steps)


def test_bytes_numbers_and_lines_are_taken_in_turn() -> None:
    state = state_of(b"ab\x01\x02\xfetext\nrest")
    assert state.take(2) == b"ab"
    assert state.number(2) == 0x0201
    assert state.number(1, signed=True) == -2
    assert state.line() == b"text"
    assert state.data[state.at :] == b"rest"


def test_what_the_data_does_not_have_is_refused() -> None:
    with pytest.raises(InvalidCheckpoint, match="cut off"):
        state_of(b"ab").take(3)
    with pytest.raises(InvalidCheckpoint, match="cut off"):
        state_of(b"ab").take(-1)
    with pytest.raises(InvalidCheckpoint, match="no end"):
        state_of(b"no end").line()


def test_a_mark_begins_a_stack_of_its_own() -> None:
    state = state_of()
    state.stack.append(1)
    state.push_mark()
    state.stack += [2, 3]
    assert state.pop_mark() == [2, 3]
    assert state.stack == [1]


def test_depth_memo_keys_and_steps_are_bounded() -> None:
    state = state_of(steps=3)
    for _ in range(MAX_PICKLE_DEPTH):
        state.push_mark()
    with pytest.raises(InvalidCheckpoint, match="too deeply"):
        state.push_mark()
    state.stack.append("x")
    state.remember(2**32 - 1)
    assert state.memo == {2**32 - 1: "x"}
    for key in (-1, 2**32):
        with pytest.raises(InvalidCheckpoint, match="impossible number"):
            state.remember(key)
    state.spend(3)
    with pytest.raises(InvalidCheckpoint, match="far too long"):
        state.spend(1)
