"""The embedded broker: kombu's file-system transport with atomic writes.

kombu writes messages and exchange tables directly into files that readers already see. A concurrent
reader finds incomplete JSON, and its worker dies. This transport writes a separate file and renames
it. Its URL scheme is `embedded://`.
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
        # Readers take the names in order, so the time comes first.
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
    """The transport for `embedded://`."""

    Channel = Channel


def _write_whole(path: Path, content: Any) -> None:
    # Readers do not take “part” for the name of a queue.
    part = path.parent / f"{uuid.uuid4()}.part"
    try:
        part.write_text(dumps(content))  # type: ignore[no-untyped-call]
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def register() -> None:
    """Register the scheme with kombu."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
