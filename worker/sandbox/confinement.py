"""Confinement of a child process: resource limits, and restrictions on files and programs."""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from worker.sandbox.landlock import restrict_files
from worker.sandbox.syscalls import allow_syscalls

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_PR_CAPBSET_DROP, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 47, 4
_CAPABILITY_VERSION_3, _MAX_CAPABILITIES = 0x20080522, 64
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_ROOT = Path(__file__).resolve().parents[2]
# Code that is imported late, and information about the machine.
_CODE = [
    *(_ROOT / name for name in ("contract", "metalearn", "worker")),
    *(Path(name) for name in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64")),
    *(Path("/etc") / name for name in ("ld.so.cache", "localtime")),
    *(Path("/proc") / name for name in ("self", "cpuinfo", "meminfo")),
    *(Path("/dev") / name for name in ("null", "zero", "urandom")),
    Path("/sys/devices/system"),
]


def missing_confinement() -> list[str]:
    """Return what the kernel does not offer, tried in a child because it cannot be undone."""
    child = os.fork()
    if child == 0:
        _drop_privileges(ctypes.CDLL(None))
        missing = restrict_access(reads=[], writes=[])
        os._exit(("Landlock" in missing) + 2 * ("seccomp" in missing))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [name for bit, name in ((1, "Landlock"), (2, "seccomp")) if code & bit]


def limit_resources(
    *, memory_bytes: int, cpu_s: int, wall_s: int, file_bytes: int, open_files: int
) -> None:
    """Limit this process's resources. Drop its privileges, and its network if possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        _drop_privileges(libc)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        _drop_capabilities(libc)
        _limit(resource.RLIMIT_AS, _address_space_bytes() + memory_bytes)
    _limit(resource.RLIMIT_CPU, cpu_s, grace=2)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_NOFILE, open_files)
    _limit(resource.RLIMIT_CORE, 0)
    signal.alarm(wall_s + 5)  # in case the zygote dies before it can end this process


def restrict_access(reads: list[str], writes: list[str]) -> list[str]:
    """Allow only these paths, and no socket or program; return what could not be switched on."""
    files = restrict_files(
        reads=[*_CODE, *(Path(path) for path in reads)], writes=[Path(path) for path in writes]
    )
    calls = allow_syscalls()
    return [name for name, on in (("Landlock", files), ("seccomp", calls)) if not on]


def _drop_privileges(libc: ctypes.CDLL) -> None:
    """Forbid new privileges through other programs, and access by the user's other processes."""
    if sys.platform == "linux":
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up every capability for good, so that even root's child may do what its files allow.

    It keeps its user: the code and the file that it reads may belong to that user alone.
    """
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(_MAX_CAPABILITIES):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails beyond the kernel's last one
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice 32 bits each
    libc.capset(header, none)


def _address_space_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


def _limit(kind: int, value: int, *, grace: int = 0) -> None:
    """Lower a limit. With `grace`, the soft limit signals (SIGXCPU) before the hard one kills."""
    _, hard = resource.getrlimit(kind)
    ceiling = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))
