"""The embedded broker: kombu's file-system transport, whose files appear whole or not at all.

kombu writes a message, and the table of an exchange, into the file that readers already see; a
reader that comes in between finds half of it and its worker dies of a JSON error. Ours are
written beside it and renamed. `embedded://` is the scheme of its address.
"""

import fcntl
import time
import uuid
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "embedded"


class Channel(filesystem.Channel):
    """Writes by renaming."""

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        # Readers go through the names in order, so the clock comes first.
        name = f"{time.time_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(folder / name, message)

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        table: Path = self._exchange_file(exchange)  # type: ignore[no-untyped-call]
        table.parent.mkdir(exist_ok=True)
        bound = [routing_key or "", pattern or "", queue or ""]
        with table.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            queues = loads(table.read_text()) if table.exists() else []  # type: ignore[no-untyped-call]
            if bound not in queues:
                _write_whole(table, [bound, *queues])


class Transport(filesystem.Transport):
    """The transport behind `embedded://`."""

    Channel = Channel


def _write_whole(path: Path, content: Any) -> None:
    # No reader takes “part” for the name of a queue.
    part = path.parent / f"{uuid.uuid4()}.part"
    try:
        part.write_text(dumps(content))  # type: ignore[no-untyped-call]
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def register() -> None:
    """Make kombu know the scheme."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
