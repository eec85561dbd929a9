"""Reads a request's body in pieces whose size depends on the connection's speed."""

import time
from collections.abc import Iterator
from typing import Protocol

MIN_READ_BYTES, MAX_READ_BYTES = 2**14, 2**20


class Stream(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, or none at the end."""


def pieces(stream: Stream, left: int) -> Iterator[bytes]:
    """Yield up to `left` bytes, in small pieces if slow. A broken connection ends the iteration."""
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
