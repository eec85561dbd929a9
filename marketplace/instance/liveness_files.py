"""A file that a worker of this machine touches while it lives, for health checks of containers.

It says nothing of database or broker: a worker waits for those, and must not be ended for it. A
worker that lives and no longer consumes ends itself (`worker/liveness.py`).
"""

import socket
import time
from pathlib import Path

from django.conf import settings

EVERY_S = 20.0


def touch_sign(queue: str) -> None:
    """Say that a worker of this queue lives on this machine."""
    path = _path(queue)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def sign_age_s(queue: str) -> float | None:
    """Seconds since the last sign; None when there was none."""
    try:
        return time.time() - _path(queue).stat().st_mtime
    except FileNotFoundError:
        return None


def _path(queue: str) -> Path:
    """Named after the machine as well: a data folder may be shared."""
    return settings.DATA_DIR / "alive" / f"{queue}@{socket.gethostname()}"
