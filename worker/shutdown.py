"""A worker's soft shutdown: its children save a snapshot and requeue their job.

Celery's own soft shutdown waits for running tasks, and a job may run for hours.
"""

import mmap
import os
import signal
from contextlib import suppress
from threading import Event
from types import FrameType

from billiard import process

# Ignored by default, and not used by the pool in its children.
SIGNAL = signal.SIGURG

_requested = Event()
_parent = os.getppid()
# Memory shared with forked children. A signal that arrives before a child has installed its handler
# is ignored, and a child that is being forked does not get one.
_requested_in_children = mmap.mmap(-1, 1)


def requested() -> bool:
    """Return whether this process must stop: it was asked to, or its parent is gone."""
    return _requested.is_set() or bool(_requested_in_children[0]) or os.getppid() != _parent


def request() -> None:
    """Ask this process to save a snapshot after the current step and requeue its job."""
    _requested.set()


def request_in_children() -> None:
    """Ask every child of this worker, including one that is being forked.

    The signal is for children that were not forked from this process and share no memory with it.
    """
    _requested_in_children[0] = 1
    for child in process.active_children():
        with suppress(ProcessLookupError):
            os.kill(child.pid, SIGNAL)


def prepare_child() -> None:
    """Listen for the request in a fresh child, and remember its parent to notice its death."""
    remember_parent()
    signal.signal(SIGNAL, _on_signal)


def remember_parent() -> None:
    """Take the current parent for the worker. A later change means that the worker died."""
    global _parent  # noqa: PLW0603 - one value for each process, set once after the fork
    _parent = os.getppid()
    _requested.clear()


def _on_signal(signum: int, frame: FrameType | None) -> None:
    request()
