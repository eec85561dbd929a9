"""A request's body as it comes in, in pieces that fit the speed of its connection."""

import time
from collections.abc import Iterator
from typing import Protocol

MIN_READ_BYTES, MAX_READ_BYTES = 2**14, 2**20


class Stream(Protocol):
    """A request's body."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""


def pieces(stream: Stream, left: int) -> Iterator[bytes]:
    """The stream's bytes, at most `left`; small pieces of a slow one, so that none waits long.

    A connection that breaks is the end.
    """
    size = MIN_READ_BYTES
    while left:
        began = time.monotonic()
        try:
            data = stream.read(min(size, left))
        except OSError:
            return
        if not data:
            return
        left -= len(data)
        yield data
        quick = time.monotonic() - began < 0.2
        size = min(2 * size, MAX_READ_BYTES) if quick else max(size // 2, MIN_READ_BYTES)
