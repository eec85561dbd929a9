"""What this machine offers to confine the reader of uploads with, and telling of what it lacks."""

import ctypes
import os
import socket
import sys

from worker.landlock import restrict_files
from worker.syscalls import forbid_syscalls

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38


def missing_confinement() -> list[str]:
    """What the kernel does not offer; tried out in a child, because it cannot be undone."""
    child = os.fork()
    if child == 0:
        give_up_rights(ctypes.CDLL(None))
        os._exit((not restrict_files(reads=[], writes=[])) + 2 * (not forbid_syscalls()))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [name for bit, name in ((1, "Landlock"), (2, "seccomp")) if code & bit]


def give_up_rights(libc: ctypes.CDLL) -> None:
    """No new rights by other programs, and no look into this process by others of its user."""
    if sys.platform == "linux":
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def show_confinement() -> None:
    """Write what is missing beside this machine's pulse, from where `/readyz` has it."""
    from django.utils import timezone

    from marketplace.core.models import WorkerPulse

    WorkerPulse.objects.update_or_create(
        name=f"quick@{socket.gethostname()}",
        defaults={
            "queue": "quick",
            "at": timezone.now(),
            "unconfined": " and ".join(missing_confinement()),
        },
    )
