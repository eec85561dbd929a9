"""Keeps pictures and keys in a process's memory out of core dumps and debuggers."""

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def close_memory() -> None:
    """Forbid core dumps of this process, and access to its memory by its user's other processes.

    Children that it forks inherit both; a program that it starts inherits the limit on dumps.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        # The limit alone does not stop a core pattern that pipes into a program.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
