"""The supervisor: starts, restarts what dies, ends everything it started."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from marketplace.instance.processes import Process, Supervisor


def wait_for(look: Callable[..., Any], seconds: int = 20) -> int | list[Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


SLEEP = python("import time; time.sleep(60)")


@pytest.fixture
def supervise() -> Iterator[Callable[..., tuple[Supervisor, Thread]]]:
    running = []

    def start(*processes: Any) -> tuple[Supervisor, Thread]:
        supervisor = Supervisor(list(processes))
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        running.append((supervisor, thread))
        return supervisor, thread

    yield start
    for supervisor, thread in running:
        supervisor.stop()
        thread.join(timeout=30)


def test_what_dies_is_started_again(supervise: Callable[..., tuple[Supervisor, Thread]]) -> None:
    process = Process("sleeper", SLEEP)
    process.pause_s = 0.05
    supervise(process)
    first = wait_for(lambda: process.popen and process.popen.pid)
    psutil.Process(first).send_signal(signal.SIGKILL)
    wait_for(lambda: process.popen and process.popen.pid != first)


def test_what_runs_once_is_not_started_again(
    supervise: Callable[..., tuple[Supervisor, Thread]], tmp_path: Path
) -> None:
    note = tmp_path / "note"
    code = f"open({str(note)!r}, 'a').write('x')"
    process = Process("loader", python(code), once=True)
    supervise(process)
    wait_for(lambda: process.next_start == float("inf"))
    time.sleep(0.5)
    assert note.read_text() == "x"


def test_stopping_ends_every_process_and_its_children(
    supervise: Callable[..., tuple[Supervisor, Thread]],
) -> None:
    parent = Process(
        "parent",
        python(
            "import subprocess, sys, time; "
            "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
            "time.sleep(60)"
        ),
    )
    supervisor, thread = supervise(parent)
    family: Any = wait_for(
        lambda: parent.popen and psutil.Process(parent.popen.pid).children(recursive=True)
    )
    family = [*family, psutil.Process(parent.popen.pid)]
    supervisor.stop()
    thread.join(timeout=30)
    gone, alive = psutil.wait_procs(family, timeout=5)
    assert not alive
