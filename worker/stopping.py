"""Whether this process has been asked to let go of its work."""

import mmap
import os
from threading import Event

_wished = Event()
_parent = os.getppid()
# Memory that a worker shares with the children it forks from now on: a signal that comes between
# the fork and a child's handler is ignored, and a child in the making is not even sent one.
_for_all = mmap.mmap(-1, 1)


def wish() -> None:
    """Ask this process to save a snapshot after its present step and put the job back."""
    _wished.set()


def wish_for_all() -> None:
    """The same of every child that this process forks or has forked, also a deaf one."""
    _for_all[0] = 1


def wished() -> bool:
    """Whether somebody asked, or the worker that started this process is gone."""
    return _wished.is_set() or bool(_for_all[0]) or os.getppid() != _parent


def remember_parent() -> None:
    """Call in a fresh child: from now on a change of parent means that the worker died."""
    global _parent  # noqa: PLW0603 - one value for each process, set once after the fork
    _parent = os.getppid()
    _wished.clear()
