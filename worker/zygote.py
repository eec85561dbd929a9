"""The sandbox's other end: loads what is heavy once, then forks a limited child for each call.

Run as `python -m worker.zygote SOCKET_FD MODULE:FUNCTION`; it ends when the worker's end of the
socket is closed.
"""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from worker.confinement import give_up_rights, missing_confinement
from worker.landlock import restrict_files
from worker.sandbox import MAX_ANSWER_BYTES
from worker.syscalls import forbid_syscalls

_OUT_OF_MEMORY = 77
# Code that is loaded late, and what it asks about the machine.
_ROOT = Path(__file__).resolve().parent.parent
_CODE = [
    *(_ROOT / name for name in ("metalearn", "worker")),
    *(Path(name) for name in (sys.prefix, sys.base_prefix, "/usr", "/lib", "/lib64")),
    *(Path("/etc") / name for name in ("ld.so.cache", "localtime")),
    *(Path("/proc") / name for name in ("self", "cpuinfo", "meminfo")),
    *(Path("/dev") / name for name in ("null", "zero", "urandom")),
    Path("/sys/devices/system"),
]
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def main() -> None:
    """Serve calls until the worker hangs up."""
    connection = Connection(int(sys.argv[1]))
    _find(sys.argv[2])()
    connection.send_bytes(json.dumps({"kind": "ready", "missing": missing_confinement()}).encode())
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        connection.send_bytes(json.dumps(_serve(request)).encode())


def _find(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _serve(request: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_child(request, writing)
    os.close(writing)
    try:
        answer = _read_answer(reading, time.monotonic() + request["limits"]["wall_s"])
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # it has answered, or its time is over
        _, status, used = os.wait4(child, 0)
    return {**_judge(answer, status), "cpu_s": used.ru_utime + used.ru_stime}


def _read_answer(reading: int, deadline: float) -> bytes | None:
    """All bytes until the child closes its end; None when the time is over."""
    answer = b""
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(reading, 65536)
        answer += chunk
        if not chunk or len(answer) > MAX_ANSWER_BYTES:
            return answer


def _judge(answer: bytes | None, status: int) -> dict[str, str]:
    if answer is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return {"kind": "time"}
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _OUT_OF_MEMORY:
        return {"kind": "memory"}
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL
    if died or not answer or len(answer) > MAX_ANSWER_BYTES:
        return {"kind": "crashed"}
    return {"kind": "answered", "answer": answer.decode("utf-8", "replace")}


def _run_child(request: dict[str, Any], writing: int) -> NoReturn:
    """Limit this process, call the function, write its answer as JSON, and leave at once."""
    code = 1
    try:
        pipe = _only_this_file(writing)
        _limit(**request["limits"])
        _confine(request["reads"], request["writes"])
        answer = _find(request["function"])(request["arguments"])
        with os.fdopen(pipe, "wb") as file:
            file.write(json.dumps(answer).encode())
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except RuntimeError as error:
        # torch has no exception of its own for it.
        if "allocate memory" not in str(error):
            raise
        code = _OUT_OF_MEMORY
    finally:
        if code == 1:
            traceback.print_exc()  # into the worker's log; people get a plain sentence
        os._exit(code)


def _only_this_file(writing: int) -> int:
    """Close everything the zygote had open but standard error and the pipe, which becomes 3."""
    os.setsid()
    if writing != 3:
        os.dup2(writing, 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return 3


def _limit(*, memory_bytes: int, cpu_s: int, wall_s: int, file_bytes: int, open_files: int) -> None:
    """No more than this, no network where the system allows to do without, no new rights."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        give_up_rights(libc)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
        _cap(resource.RLIMIT_AS, _address_space_bytes() + memory_bytes)
    _cap(resource.RLIMIT_CPU, cpu_s, grace=2)
    _cap(resource.RLIMIT_FSIZE, file_bytes)
    _cap(resource.RLIMIT_NOFILE, open_files)
    _cap(resource.RLIMIT_CORE, 0)
    signal.alarm(wall_s + 5)  # should the zygote die before it could end this process


def _confine(reads: list[str], writes: list[str]) -> None:
    """Only what is named can be read and written, and no socket or program can be had."""
    restrict_files(
        reads=[*_CODE, *(Path(path) for path in reads)], writes=[Path(path) for path in writes]
    )
    forbid_syscalls()


def _address_space_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()


def _cap(kind: int, value: int, *, grace: int = 0) -> None:
    """Lower a limit; with `grace` the soft limit speaks (SIGXCPU) before the hard one kills."""
    _, hard = resource.getrlimit(kind)
    ceiling = value + grace if hard == resource.RLIM_INFINITY else min(value + grace, hard)
    resource.setrlimit(kind, (min(value, ceiling), ceiling))


if __name__ == "__main__":
    main()
