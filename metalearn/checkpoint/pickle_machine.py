"""Pickle machine that imports and calls nothing: protocols 0 to 5 become plain data."""

import struct

from metalearn.checkpoint.limits import MAX_PICKLE_STEPS
from metalearn.checkpoint.pickle_opcodes import ACTIONS, PROTO
from metalearn.checkpoint.pickle_state import PersistentLoad, PickleState
from metalearn.checkpoint.pickle_values import Value, damaged

_STOP = 0x2E


class PickleMachine:
    """Machine that reads consecutive pickles from the same bytes."""

    def __init__(self, data: bytes, persistent_load: PersistentLoad) -> None:
        self._state = PickleState(data, persistent_load, MAX_PICKLE_STEPS)

    @property
    def at(self) -> int:
        """Offset of the first byte after the pickles read so far."""
        return self._state.at

    def run(self) -> Value:
        """Return the next pickle's value; raise InvalidCheckpoint if torch.save cannot write it."""
        self._state.clear()
        try:
            self._run_to_stop()
            (value,) = self._state.stack
        except (IndexError, KeyError, ValueError, TypeError, OverflowError, struct.error):
            raise damaged(f"it makes no sense near byte {self.at}") from None
        return value

    def _run_to_stop(self) -> None:
        state, start = self._state, self.at
        while True:
            opcode = state.data[state.at]
            state.at += 1
            if opcode == _STOP:
                break
            state.steps_left -= 1  # inlined: this is the innermost loop
            if state.steps_left < 0:
                raise damaged("it is far too long")
            action = ACTIONS.get(opcode)
            if action is None:
                raise damaged(f"it has the forbidden or unknown instruction {opcode:#04x}")
            if opcode == PROTO and state.at != start + 1:
                raise damaged("a protocol number occurs in its middle")
            action(state)
        if state.marks:
            raise damaged("a list has no end")
