"""Landlock: lets the parsing child read its input and write to one folder.

https://docs.kernel.org/userspace-api/landlock.html; Linux 5.13 and later, if enabled.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every processor
_GET_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_FIRST_VERSION_RIGHTS = (1 << 13) - 1
# Version 2 added links between folders, 3 truncation, 5 device controls.
_LATER_RIGHTS = {2: 1 << 13, 3: _TRUNCATE, 5: 1 << 15}
_READ = _READ_FILE | _READ_DIR
# A zip of a folder is unpacked, so folders are created and removed as well.
_MAKE_AND_REMOVE = (1 << 4) | (1 << 5) | (1 << 7) | (1 << 8)
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE


def restrict_files(*, reads: Iterable[Path], writes: Iterable[Path]) -> bool:
    """Forbid this process to open any other file. Return False if the kernel does not support it.

    Must come after `no_new_privs`. Open files stay open. Missing paths are skipped.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    syscall = getattr(libc, "syscall", None)
    version = syscall(_CREATE, None, ctypes.c_size_t(0), _GET_VERSION) if syscall else -1
    if version < 1:
        return False
    rights = _FIRST_VERSION_RIGHTS
    for since, right in _LATER_RIGHTS.items():
        rights |= right if version >= since else 0
    rules = struct.pack("Q", rights)
    ruleset = libc.syscall(_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    try:
        for path in reads:
            _allow(libc, ruleset, path, _READ)
        for path in writes:
            _allow(
                libc,
                ruleset,
                path,
                rights & (_READ | _WRITE_FILE | _TRUNCATE) | _MAKE_AND_REMOVE,
            )
        return bool(libc.syscall(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, rights: int) -> None:
    with suppress(FileNotFoundError, PermissionError):
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = rights if path.is_dir() else rights & _OF_FILES
            rule = struct.pack("=Qi", allowed, handle)
            libc.syscall(_ADD, ruleset, _PATH_BENEATH, rule, 0)
        finally:
            os.close(handle)
