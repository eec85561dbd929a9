"""A request's body, in pieces that fit the speed of its connection."""

import io
import time

import pytest

from marketplace.uploads.streams import MAX_READ_BYTES, MIN_READ_BYTES, pieces


class Line:
    """A connection of which each read takes so many seconds, on a clock of ours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *seconds: float) -> None:
        self.asked: list[int] = []
        self._now, self._seconds = 0.0, iter(seconds)
        monkeypatch.setattr(time, "monotonic", lambda: self._now)

    def read(self, size: int, /) -> bytes:
        """All that is asked for, in time; then a broken connection."""
        self.asked.append(size)
        try:
            self._now += next(self._seconds)
        except StopIteration:
            raise OSError("connection reset") from None
        return b"x" * size


def test_no_more_is_read_than_is_wanted() -> None:
    assert b"".join(pieces(io.BytesIO(b"0123456789"), 4)) == b"0123"
    assert b"".join(pieces(io.BytesIO(b"01"), 4)) == b"01"


def test_pieces_of_a_quick_connection_grow_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, *[0.0] * 9)
    assert sum(map(len, pieces(line, 10**9))) == sum(line.asked[:-1])
    assert line.asked[:3] == [MIN_READ_BYTES, 2 * MIN_READ_BYTES, 4 * MIN_READ_BYTES]
    assert line.asked[-1] == MAX_READ_BYTES


def test_pieces_of_a_slow_connection_shrink_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line(monkeypatch, 0, 0, 1, 1, 1)
    list(pieces(line, 10**9))
    small = MIN_READ_BYTES
    assert line.asked == [small, 2 * small, 4 * small, 2 * small, small, small]
