"""Random access to an uploaded file, never mapped and never held as a whole."""

from pathlib import Path
from types import TracebackType

from metalearn.errors import InvalidCheckpoint


class Source:
    """A file that can only be read within its bounds, used as a context manager."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = self._file.seek(0, 2)

    def read(self, offset: int, length: int) -> bytearray:
        """Return exactly `length` bytes; raise InvalidCheckpoint if the file is shorter."""
        if offset < 0 or length < 0 or offset + length > self.size:
            raise InvalidCheckpoint("The file is cut off or damaged; upload it again.")
        data = bytearray(length)
        view = memoryview(data)
        self._file.seek(offset)
        while view:
            count = self._file.readinto(view)
            if not count:
                raise InvalidCheckpoint("The file is cut off or damaged; upload it again.")
            view = view[count:]
        return data

    def head(self, length: int) -> bytearray:
        """Return the first `length` bytes, or fewer if the file is shorter."""
        return self.read(0, min(length, self.size))

    def __enter__(self) -> "Source":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
