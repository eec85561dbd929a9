"""Processing of a stream's pieces in a second thread."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class InBackground:
    """Passes pieces to a function in a second thread, in order, while the next piece arrives."""

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        self._consume = consume
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[object] | None = None

    def put(self, data: bytes) -> None:
        """Submit a piece after the previous one has finished; at most two are in memory."""
        self.wait()
        self._last = self._thread.submit(self._consume, data)

    def wait(self) -> None:
        """Wait for all pieces so far. Raise the function's error."""
        if self._last is not None:
            self._last.result()

    def finish(self) -> None:
        """Wait for the last piece and end the thread. Raise the function's error."""
        self._thread.shutdown()
        self.wait()
