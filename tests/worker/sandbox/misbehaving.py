"""Functions for the sandbox to survive."""

import contextlib
import ctypes
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any


def load() -> None:
    """Nothing to load beforehand."""


def echo(arguments: dict[str, Any]) -> dict[str, Any]:
    return arguments


def eat_memory(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"length": len(bytearray(arguments["n_bytes"]))}


def sleep(arguments: dict[str, Any]) -> dict[str, Any]:
    time.sleep(60)
    return arguments


def spin(arguments: dict[str, Any]) -> dict[str, Any]:
    while True:
        pass


def segfault(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"impossible": ctypes.string_at(0)}


def leave(arguments: dict[str, Any]) -> dict[str, Any]:
    sys.exit(0)


def kill_yourself(arguments: dict[str, Any]) -> dict[str, Any]:
    os.kill(os.getpid(), 9)
    return {}


def babble(arguments: dict[str, Any]) -> dict[str, Any]:
    """Write straight into the answer's pipe, as a hijacked parser would."""
    os.write(3, arguments["words"].encode())
    os._exit(0)


def babble_without_end(arguments: dict[str, Any]) -> dict[str, Any]:
    while True:
        os.write(3, b"x" * 65536)


def write_much(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        Path(arguments["path"]).write_bytes(bytes(arguments["n_bytes"]))
    except OSError as error:
        return {"refused": error.strerror}
    return {"refused": None}


def connect(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        socket.create_connection(("127.0.0.1", arguments["port"]), timeout=2).close()
    except OSError:
        return {"connected": False}
    return {"connected": True}


def make_socket(arguments: dict[str, Any]) -> dict[str, Any]:
    """A pair, which needs no network at all."""
    socket.socketpair()
    return {"impossible": True}


def run_program(arguments: dict[str, Any]) -> dict[str, Any]:
    os.execv("/bin/true", ["true"])  # noqa: S606


def fork(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"impossible": os.fork()}


def kill_the_worker(arguments: dict[str, Any]) -> dict[str, Any]:
    os.kill(arguments["pid"], 9)
    return {"impossible": True}


def start_thread(arguments: dict[str, Any]) -> dict[str, Any]:
    seen: list[int] = []
    thread = threading.Thread(target=seen.append, args=[1])
    thread.start()
    thread.join()
    return {"seen": seen}


def touch_files(arguments: dict[str, Any]) -> dict[str, Any]:
    """Which of these can be read, and beside which a file can be made."""
    found: dict[str, Any] = {"read": [], "written": []}
    for path in arguments["paths"]:
        with contextlib.suppress(OSError):
            Path(path).read_bytes()
            found["read"].append(path)
        with contextlib.suppress(OSError):
            Path(path).with_name("made").write_bytes(b"x")
            found["written"].append(path)
    return found


def capabilities(arguments: dict[str, Any]) -> dict[str, Any]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return dict(line.replace("\t", "").split(":") for line in lines if line.startswith("Cap"))


def environment(arguments: dict[str, Any]) -> dict[str, Any]:
    return dict(os.environ)


def open_files(arguments: dict[str, Any]) -> dict[str, Any]:
    return {"names": sorted(os.listdir("/proc/self/fd"))}  # noqa: PTH208
