"""The seccomp filter of the parsing child: what it lets through, and what ends the process.

Numbers from the kernel's `syscall_64.tbl` (x86-64) and `asm-generic/unistd.h` (ARM64).
"""

import ctypes
import os
import platform
import struct
from collections.abc import Sequence
from typing import NamedTuple

_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT, _ARGUMENT_BYTES = 0, 4, 16, 8
_X32 = 0x40000000
FIRST_UNKNOWN = 452
"""Calls from here on are newer than this list. They do not exist for the child, so that a new
libc falls back to the older call."""


class _Machine(NamedTuple):
    """How the kernel calls this processor, and a column of the tables below."""

    audit: int
    column: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}
# name: (x86_64, aarch64); None where the processor never had it.
ALLOWED: dict[str, tuple[int, int | None]] = {
    # files, within what Landlock allows
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "lseek": (8, 62), "close": (3, 57),
    "open": (2, None), "openat": (257, 56), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291), "statfs": (137, 43),
    "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48), "readlink": (89, None),
    "readlinkat": (267, 78), "getcwd": (79, 17), "getdents": (78, None), "getdents64": (217, 61),
    "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24), "pipe2": (293, 59),
    "ftruncate": (77, 46), "fallocate": (285, 47), "fadvise64": (221, 223),
    "fsync": (74, 82), "fdatasync": (75, 83), "sendfile": (40, 71),
    "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None), "unlink": (87, None), "unlinkat": (263, 35),
    "umask": (95, 166),
    # memory
    "mmap": (9, 222), "mprotect": (10, 226), "munmap": (11, 215), "mremap": (25, 216),
    "madvise": (28, 233), "msync": (26, 227), "brk": (12, 214), "get_mempolicy": (239, 236),
    # threads, waiting and its own signals
    "futex": (202, 98), "set_tid_address": (218, 96), "set_robust_list": (273, 99),
    "get_robust_list": (274, 100), "rseq": (334, 293), "membarrier": (324, 283),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "getcpu": (309, 168), "arch_prctl": (158, None),
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "restart_syscall": (219, 128),
    "alarm": (37, None), "setitimer": (38, 103), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "exit": (60, 93), "exit_group": (231, 94),
    # about itself and the machine
    "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "uname": (63, 160),
    "sysinfo": (99, 179), "getrlimit": (97, 163), "getrusage": (98, 165), "times": (100, 153),
    "gettimeofday": (96, 169), "time": (201, None), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "getrandom": (318, 278),
}  # fmt: skip
ABSENT = {"clone3": (435, 435), "close_range": (436, 436), "openat2": (437, 437),
          "faccessat2": (439, 439)}  # fmt: skip
"""libc tries these first and falls back to an older call if they do not exist."""
# Allowed if the argument has one of these values: (number, argument's index, values, otherwise).
_F_DUPFD, _F_SETLKW, _F_DUPFD_CLOEXEC = 0, 7, 1030
_FIOCLEX, _FIONCLEX, _FIONREAD, _TCGETS, _TIOCGWINSZ = 0x5451, 0x5450, 0x541B, 0x5401, 0x5413
_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA = 15, 16, 0x53564D41
BY_ARGUMENT: dict[str, tuple[tuple[int, int], int, Sequence[int], int]] = {
    # A file's owner (F_SETOWN) would get signals, so descriptors are copied and locked only.
    "fcntl": ((72, 25), 1, (*range(_F_DUPFD, _F_SETLKW + 1), _F_DUPFD_CLOEXEC), _KILL),
    "ioctl": ((16, 29), 1, (_FIOCLEX, _FIONCLEX, _FIONREAD, _TCGETS, _TIOCGWINSZ),
              _ERROR | _EPERM),
    "prctl": ((157, 167), 0, (_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA), _ERROR | _EPERM),
    # libc reads the stack's limit; 0 is this process.
    "prlimit64": ((302, 261), 0, (0,), _KILL),
}  # fmt: skip
_CLONE, _CLONE_THREAD = (56, 220), 0x10000
_TGKILL = (234, 131)


def allow_syscalls() -> bool:
    """Allow this process the calls above only; return False if the kernel does not offer that.

    Must come after `no_new_privs`. Any other call ends the process with SIGSYS.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None or not hasattr(ctypes.CDLL(None), "prctl"):
        return False
    code = b"".join(_program(machine))
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    done = ctypes.CDLL(None).prctl(
        _PR_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.c_char_p(program), 0, 0
    )
    return bool(done == 0)


def _program(machine: _Machine) -> list[bytes]:
    """The BPF instructions. A verdict follows each test, so that no jump is long."""
    column = machine.column
    instructions = [
        _instruction(_LOAD, _AT_ARCHITECTURE),
        _instruction(_JUMP_EQUAL, machine.audit, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _AT_NUMBER),
        _instruction(_JUMP_AT_LEAST, _X32, no=1),
        _instruction(_RETURN, _KILL),
        _instruction(_JUMP_AT_LEAST, FIRST_UNKNOWN, no=1),
        _instruction(_RETURN, _ERROR | _ENOSYS),
    ]
    for allowed in ALLOWED.values():
        instructions += _verdict(allowed[column], _ALLOW)
    for absent in ABSENT.values():
        instructions += _verdict(absent[column], _ERROR | _ENOSYS)
    for numbers, index, values, otherwise in BY_ARGUMENT.values():
        instructions += _by_argument(numbers[column], index, values, otherwise)
    # A thread is allowed, a process is not.
    instructions += _by_argument(_CLONE[column], 0, [_CLONE_THREAD], _KILL, test=_JUMP_BITS)
    # abort() signals its own process.
    instructions += _by_argument(_TGKILL[column], 0, [os.getpid()], _KILL)
    return [*instructions, _instruction(_RETURN, _KILL)]


def _verdict(number: int | None, verdict: int) -> list[bytes]:
    if number is None:
        return []
    return [_instruction(_JUMP_EQUAL, number, no=1), _instruction(_RETURN, verdict)]


def _by_argument(
    number: int, index: int, values: Sequence[int], otherwise: int, *, test: int = _JUMP_EQUAL
) -> list[bytes]:
    """Look at the low 32 bits of an argument: the kernel takes an int in each of these calls."""
    body = [_instruction(_LOAD, _AT_FIRST_ARGUMENT + index * _ARGUMENT_BYTES)]
    for value in values:
        body += [_instruction(test, value, no=1), _instruction(_RETURN, _ALLOW)]
    body += [_instruction(_RETURN, otherwise)]
    return [_instruction(_JUMP_EQUAL, number, no=len(body)), *body]


def _instruction(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
