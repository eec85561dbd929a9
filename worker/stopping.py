"""Whether this process has been asked to let go of its work."""

import os
from threading import Event

_wished = Event()
_parent = os.getppid()


def wish() -> None:
    """Ask this process to save a snapshot after its present step and put the job back."""
    _wished.set()


def wished() -> bool:
    """Whether somebody asked, or the worker that started this process is gone."""
    return _wished.is_set() or os.getppid() != _parent


def remember_parent() -> None:
    """Call in a fresh child: from now on a change of parent means that the worker died."""
    global _parent  # noqa: PLW0603 - one value for each process, set once after the fork
    _parent = os.getppid()
    _wished.clear()
