"""The seccomp filter of the parsing child: the kernel kills it for a call that no parser needs.

It lists what is forbidden. A list of allowed calls would have to follow every version of libc,
Python and torch. Numbers are from the kernel's `syscall_64.tbl` and `asm-generic/unistd.h`.
"""

import ctypes
import os
import platform
import struct
from typing import NamedTuple

_PR_SET_SECCOMP, _FILTER = 22, 2
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _NOT_IMPLEMENTED = 0x7FFF0000, 0x80000000, 0x00050000 | 38
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x10000
_X32 = 0x40000000


class _Machine(NamedTuple):
    """The kernel's number of this processor, and its column of the table below."""

    audit: int
    column: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}
# name: (x86_64, aarch64); None if the processor never had it.
FORBIDDEN: dict[str, tuple[int | None, int]] = {
    # the network, and similar channels to other processes
    "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept": (43, 202), "accept4": (288, 242), "sendto": (44, 206),
    "sendmsg": (46, 211), "sendmmsg": (307, 269),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    # other programs and processes
    "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117), "kill": (62, 129),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "memfd_create": (319, 279),
    # the machine
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "setns": (308, 268), "unshare": (272, 97), "bpf": (321, 280), "userfaultfd": (323, 282),
    "perf_event_open": (298, 241), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "open_by_handle_at": (304, 265), "reboot": (169, 142),
    # names and permissions of files
    "fchmod": (91, 52), "fchmodat": (268, 53), "fchown": (93, 55), "fchownat": (260, 54),
    "symlinkat": (266, 36), "linkat": (265, 37), "mknodat": (259, 33),
}  # fmt: skip
_OLD_X86 = {
    "fork": 57, "vfork": 58, "chmod": 90, "chown": 92, "lchown": 94, "symlink": 88, "link": 86,
    "mknod": 133,
}  # fmt: skip
_CLONE, _CLONE3, _TGKILL, _PRLIMIT = (56, 220), (435, 435), (234, 131), (302, 261)


def forbid_syscalls() -> bool:
    """Forbid this process sockets and programs. Return False if the kernel does not support it.

    Must come after `no_new_privs`. A forbidden call kills the process with SIGSYS.
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
    """Return the BPF instructions. A verdict follows each test, so that jumps are short."""
    old = list(_OLD_X86.values()) if machine.column == 0 else []
    numbers = [row[machine.column] for row in FORBIDDEN.values()] + old
    instructions = [
        _instruction(_LOAD, _AT_ARCHITECTURE),
        _instruction(_JUMP_EQUAL, machine.audit, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _AT_NUMBER),
        _instruction(_JUMP_AT_LEAST, _X32, no=1),
        _instruction(_RETURN, _KILL),
    ]
    for number in numbers:
        if number is not None:
            instructions += [_instruction(_JUMP_EQUAL, number, no=1), _instruction(_RETURN, _KILL)]
    # Threads are allowed, processes are not. A filter cannot read clone3's structure; libc falls
    # back to clone if clone3 is not implemented.
    instructions += [
        _instruction(_JUMP_EQUAL, _CLONE3[machine.column], no=1),
        _instruction(_RETURN, _NOT_IMPLEMENTED),
    ]
    instructions += _if_first_argument(_CLONE[machine.column], _JUMP_BITS, _CLONE_THREAD)
    # abort() signals its own process.
    instructions += _if_first_argument(_TGKILL[machine.column], _JUMP_EQUAL, os.getpid())
    # libc reads its own stack limit. Limits of other processes are forbidden.
    instructions += _if_first_argument(_PRLIMIT[machine.column], _JUMP_EQUAL, 0)
    return [*instructions, _instruction(_RETURN, _ALLOW)]


def _if_first_argument(number: int, test: int, value: int) -> list[bytes]:
    return [
        _instruction(_JUMP_EQUAL, number, no=4),
        _instruction(_LOAD, _AT_FIRST_ARGUMENT),
        _instruction(test, value, yes=1),
        _instruction(_RETURN, _KILL),
        _instruction(_RETURN, _ALLOW),
    ]


def _instruction(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
