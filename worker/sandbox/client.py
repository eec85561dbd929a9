"""Calls a function on hostile input in a throw-away process with limits.

    worker --socket--> zygote (has torch loaded) --fork--> one child for each call

Loading torch takes seconds, so a zygote does it once per worker process and forks a child for every
call. Plain subprocesses and JSON are used instead of `multiprocessing`: they work inside Celery's
daemonic processes, and nothing from a child is ever unpickled.

A child has limits on memory, time, file size and open files, no network and no capability. If the
kernel supports them, Landlock restricts it to its input and one output folder, and seccomp to the
system calls that a parser needs.
"""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

log = logging.getLogger(__name__)
START_S = 120.0
"""Time limit for the zygote to load torch on a busy machine."""
GRACE_S = 30.0
# Enough for 10,000 class names.
MAX_ANSWER_BYTES = 4_000_000

# Not the worker's whole environment: a parser must not see database passwords and keys.
_ENVIRONMENT = (
    *("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "HOME"),
    "FREEHOLD_MAX_PARAMETERS",
)


@dataclass(frozen=True)
class Limits:
    """Resource limits of one call. Memory is counted on top of what the zygote holds."""

    memory_bytes: int = 2_000_000_000
    cpu_s: int = 60
    wall_s: int = 90
    file_bytes: int = 2_000_000_000
    open_files: int = 32


@dataclass(frozen=True)
class Outcome:
    """The end of a call. `answer` is the function's result if it was `answered`."""

    kind: Literal["answered", "time", "memory", "crashed"]
    answer: dict[str, Any]
    cpu_s: float = 0.0


class SandboxError(RuntimeError):
    """The sandbox itself failed: a fault of this machine, not of the input."""


class SandboxCrashed(SandboxError):
    """The process that read the input died or hung. The input may be the cause."""


class Sandbox:
    """One zygote, started by the first call, and again after a fork of the worker or its death.

    `preload` is the `package.module:function` that the zygote calls once, before any fork.
    """

    def __init__(self, preload: str) -> None:
        self._preload = preload
        self._lock = threading.Lock()
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    def call(
        self,
        function: str,
        arguments: dict[str, Any],
        limits: Limits,
        *,
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
    ) -> Outcome:
        """Call `package.module:function` with a dictionary; it must return a dictionary.

        It may read the paths in `reads`, and write to the folders in `writes`.
        """
        request = {
            "function": function,
            "arguments": arguments,
            "limits": asdict(limits),
            "reads": [str(path) for path in reads],
            "writes": [str(path) for path in writes],
        }
        with self._lock:
            connection = self._ready()
            try:
                connection.send_bytes(json.dumps(request).encode())
                message = _receive(connection, limits.wall_s + GRACE_S)
            except (OSError, EOFError, SandboxError):
                self._stop()
                raise SandboxCrashed("the validating process died or does not answer") from None
            return _outcome(message)

    def start(self) -> None:
        with self._lock:
            self._ready()

    def close(self) -> None:
        with self._lock:
            self._stop()

    def _ready(self) -> Connection:
        if self._owner == os.getpid() and self._process and self._process.poll() is None:
            assert self._connection is not None
            return self._connection
        if self._owner == os.getpid():
            self._stop()
        # After a fork the zygote belongs to the other process and is left alone.
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "worker.sandbox.zygote",
                    str(theirs.fileno()),
                    self._preload,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the worker; the zygote ends with its socket
            )
        self._connection = Connection(ours.detach())
        self._owner = os.getpid()
        try:
            _warn_of_missing(_receive(self._connection, START_S).get("missing", []))
        except (OSError, EOFError, SandboxError):
            self._stop()
            raise SandboxError("the validating process did not start") from None
        return self._connection

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._process = self._connection = None


def _warn_of_missing(missing: list[str]) -> None:
    if missing:
        log.warning(
            "uploads are read with limits, but without %s, which this machine does not support",
            " and ".join(missing),
        )


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**kept, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def _receive(connection: Connection, timeout_s: float) -> dict[str, Any]:
    if not connection.poll(timeout_s):
        raise SandboxError("no answer in time")
    message = json.loads(connection.recv_bytes(MAX_ANSWER_BYTES + 1_000))
    if not isinstance(message, dict):
        raise SandboxError("the answer is not an object")
    return message


def _outcome(message: dict[str, Any]) -> Outcome:
    """Return the outcome as the zygote reports it. A malformed answer of the child is a crash."""
    kind, cpu_s = message["kind"], message["cpu_s"]
    if kind == "unconfined":
        raise SandboxError("the validating process could not be confined as at its start")
    if kind != "answered":
        return Outcome(kind, {}, cpu_s)
    try:
        answer = json.loads(message["answer"])
    except (ValueError, RecursionError):
        return Outcome("crashed", {}, cpu_s)
    if not isinstance(answer, dict):
        return Outcome("crashed", {}, cpu_s)
    return Outcome("answered", answer, cpu_s)
