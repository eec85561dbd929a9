"""What is done again and again, but not too often."""

import math
import time
from collections.abc import Callable


class Every:
    """True at most once in so many seconds, the first time `at_once` or after the first of them."""

    def __init__(
        self,
        seconds: float,
        *,
        at_once: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last = -math.inf if at_once else clock()

    def due(self) -> bool:
        """Whether it is time again; asking starts the next interval."""
        now = self._clock()
        if now - self._last < self._seconds:
            return False
        self._last = now
        return True
