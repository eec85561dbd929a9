"""Work on pieces of a stream in a thread beside the one that receives them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor


class InBackground:
    """Hands pieces to a function in a thread of its own, in order.

    Writing and hashing take as long as receiving, and need not wait for each other.
    """

    def __init__(self, consume: Callable[[bytes], object]) -> None:
        self._consume = consume
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[object] | None = None

    def put(self, data: bytes) -> None:
        """Hand on the next piece once the last one is done, so at most two are in memory.

        Raises what the function raised for an earlier piece.
        """
        self.wait()
        self._last = self._thread.submit(self._consume, data)

    def wait(self) -> None:
        """Return once every piece so far is done; raises what the function raised."""
        if self._last is not None:
            self._last.result()

    def finish(self) -> None:
        """Wait for the last piece and end the thread; raises what the function raised."""
        self._thread.shutdown()
        self.wait()
