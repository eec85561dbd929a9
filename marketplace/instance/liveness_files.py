"""Files that the workers of this machine touch, for container health checks.

They do not depend on database or broker, since a worker must not be killed while it waits for
those. A worker that is alive but no longer consumes ends itself (`worker/liveness.py`).
"""

import socket
import time
from pathlib import Path

from django.conf import settings

EVERY_S = 20.0


def touch_sign(queue: str) -> None:
    path = _path(queue)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def sign_age_s(queue: str) -> float | None:
    """Return the seconds since the last sign of life, or None if there was none."""
    try:
        return time.time() - _path(queue).stat().st_mtime
    except FileNotFoundError:
        return None


def _path(queue: str) -> Path:
    """Return a path that includes the host name, because a data folder may be shared."""
    return settings.DATA_DIR / "alive" / f"{queue}@{socket.gethostname()}"
