"""A worker's soft shutdown: its children save a snapshot and put their job back.

A job may run for hours, so Celery's wait for running tasks would last as long.
"""

import mmap
import os
import signal
from contextlib import suppress
from threading import Event
from types import FrameType

from billiard import process

# Ignored by default, and one of the few that the pool does not use itself in its children.
SIGNAL = signal.SIGURG

_requested = Event()
_parent = os.getppid()
# Memory that a worker shares with the children it forks: a signal that arrives before the child
# has installed its handler is ignored, and a child that is just being forked is not sent one.
_requested_in_children = mmap.mmap(-1, 1)


def requested() -> bool:
    """Whether this process must stop: it was asked to, or its parent is gone."""
    return _requested.is_set() or bool(_requested_in_children[0]) or os.getppid() != _parent


def request() -> None:
    """Ask this process to save a snapshot after the current step and put its job back."""
    _requested.set()


def request_in_children() -> None:
    """Ask every child of this worker, including one that is just being forked.

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
    """Take the present parent for the worker; a later change means that the worker died."""
    global _parent  # noqa: PLW0603 - one value for each process, set once after the fork
    _parent = os.getppid()
    _requested.clear()


def _on_signal(signum: int, frame: FrameType | None) -> None:
    request()
