"""Calls into the sandbox, and what this kernel offers to it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from worker.sandbox.client import Limits, Outcome, Sandbox

LIMITS = Limits(memory_bytes=200_000_000, cpu_s=5, wall_s=10, file_bytes=1_000_000)


def call(
    sandbox: Sandbox,
    name: str,
    limits: Limits = LIMITS,
    *,
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
    **arguments: object,
) -> Outcome:
    function = f"tests.worker.sandbox.misbehaving:{name}"
    return sandbox.call(function, arguments, limits, reads=reads, writes=writes)


def offered(sandbox: Sandbox, name: str) -> None:
    """Skip where the kernel does not offer this protection; here it is tried out once more."""
    code = f"import worker.sandbox.{name} as m, ctypes; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0);"
    code += "print(m.restrict_files(reads=[], writes=[]) if hasattr(m, 'restrict_files')"
    code += " else m.allow_syscalls())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if done.stdout.strip() != "True":
        pytest.skip(f"this kernel does not offer {name}")
