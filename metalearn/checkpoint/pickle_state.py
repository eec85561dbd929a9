"""Stack, marks, memo and bytes of a running pickle machine."""

from collections.abc import Callable

from metalearn.checkpoint.limits import MAX_PICKLE_DEPTH
from metalearn.checkpoint.pickle_values import Value, damaged

PersistentLoad = Callable[[Value], Value]

_MAX_LINE = 4096
_MAX_MEMO_KEY = 2**32 - 1


class PickleState:
    """Machine state: `at` is the next byte's offset in `data`, `steps_left` the step budget."""

    def __init__(self, data: bytes, persistent_load: PersistentLoad, max_steps: int) -> None:
        self.data = data
        self.at = 0
        self.steps_left = max_steps
        self.persistent_load = persistent_load
        self.clear()

    def clear(self) -> None:
        """Forget all values; the position in `data` stays."""
        self.stack: list[Value] = []
        self.marks: list[list[Value]] = []
        self.memo: dict[int, Value] = {}

    def take(self, length: int) -> bytes:
        if length < 0 or self.at + length > len(self.data):
            raise damaged("it is cut off")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, length: int, *, signed: bool = False) -> int:
        """Read `length` bytes as a little-endian integer."""
        return int.from_bytes(self.take(length), "little", signed=signed)

    def line(self) -> bytes:
        end = self.data.find(b"\n", self.at, self.at + _MAX_LINE)
        if end < 0:
            raise damaged("a line has no end")
        text = self.take(end - self.at)
        self.at += 1
        return text

    def push_mark(self) -> None:
        if len(self.marks) >= MAX_PICKLE_DEPTH:
            raise damaged("it is nested too deeply")
        self.marks.append(self.stack)
        self.stack = []

    def pop_mark(self) -> list[Value]:
        """Return everything pushed since the last mark."""
        items = self.stack
        self.stack = self.marks.pop()
        return items

    def remember(self, key: int) -> None:
        # Larger keys could be chosen to collide in the dictionary.
        if not 0 <= key <= _MAX_MEMO_KEY:
            raise damaged("a value is remembered under an impossible number")
        self.memo[key] = self.stack[-1]

    def spend(self, steps: int) -> None:
        """Take steps from the budget shared by all pickles of the file."""
        self.steps_left -= steps
        if self.steps_left < 0:
            raise damaged("it is far too long")
