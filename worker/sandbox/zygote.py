"""The sandbox's server: loads torch once, then forks a confined child for each call.

Run as `python -m worker.sandbox.zygote SOCKET_FD MODULE:FUNCTION`. It exits when the worker closes
its end of the socket.
"""

import contextlib
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
from typing import Any, NoReturn

from worker.sandbox.client import MAX_ANSWER_BYTES
from worker.sandbox.confinement import limit_resources, missing_confinement, restrict_access

_OUT_OF_MEMORY, _UNCONFINED = 77, 78


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    _import(sys.argv[2])()
    missing = missing_confinement()
    connection.send_bytes(json.dumps({"kind": "ready", "missing": missing}).encode())
    while True:
        try:
            request = json.loads(connection.recv_bytes())
        except EOFError:
            return
        connection.send_bytes(json.dumps(_serve(request, missing)).encode())


def _import(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _serve(request: dict[str, Any], missing: list[str]) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _run_child(request, writing, missing)
    os.close(writing)
    try:
        answer = _read_answer(reading, time.monotonic() + request["limits"]["wall_s"])
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # it has answered, or its time is over
        _, status, used = os.wait4(child, 0)
    return {**_classify(answer, status), "cpu_s": used.ru_utime + used.ru_stime}


def _read_answer(reading: int, deadline: float) -> bytes | None:
    """Read until the child closes its end. Return None at the deadline."""
    answer = b""
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(reading, 65536)
        answer += chunk
        if not chunk or len(answer) > MAX_ANSWER_BYTES:
            return answer


def _classify(answer: bytes | None, status: int) -> dict[str, str]:
    if answer is None or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return {"kind": "time"}
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _OUT_OF_MEMORY:
        return {"kind": "memory"}
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _UNCONFINED:
        return {"kind": "unconfined"}
    died = os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL
    if died or not answer or len(answer) > MAX_ANSWER_BYTES:
        return {"kind": "crashed"}
    return {"kind": "answered", "answer": answer.decode("utf-8", "replace")}


def _run_child(request: dict[str, Any], writing: int, missing: list[str]) -> NoReturn:
    """Limit this process, call the function, write its answer as JSON, and leave at once.

    The input is not read if a protection fails that was there when the zygote started.
    """
    code = 1
    try:
        pipe = _close_other_files(writing)
        limit_resources(**request["limits"])
        if set(restrict_access(request["reads"], request["writes"])) - set(missing):
            os._exit(_UNCONFINED)
        answer = _import(request["function"])(request["arguments"])
        with os.fdopen(pipe, "wb") as file:
            file.write(json.dumps(answer).encode())
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    except RuntimeError as error:
        # Torch raises a plain RuntimeError.
        if "allocate memory" not in str(error):
            raise
        code = _OUT_OF_MEMORY
    finally:
        if code == 1:
            traceback.print_exc()  # into the worker's log; users get a plain sentence
        os._exit(code)


def _close_other_files(writing: int) -> int:
    """Close all files except the standard streams and the pipe, which becomes 3."""
    os.setsid()
    if writing != 3:
        os.dup2(writing, 3)
    os.closerange(4, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return 3


if __name__ == "__main__":
    main()
