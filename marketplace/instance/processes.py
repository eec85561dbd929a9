"""Supervision of an instance's processes: starts, restarts and stops them."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

GRACE_S = 20.0
_TICK_S = 0.2
_CALM_S = 60.0


@dataclass
class Process:
    """A command that should be running. If `once`, it is not restarted when it ends."""

    name: str
    command: Sequence[str]
    once: bool = False
    popen: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    pause_s: float = 1.0
    next_start: float = 0.0


@dataclass
class Supervisor:
    """Runs until `stop` is called (by a signal handler), then stops all its processes."""

    processes: list[Process]
    environment: Mapping[str, str] = field(default_factory=dict)
    stopping: bool = False
    max_pause_s: float = 30.0

    def stop(self) -> None:
        self.stopping = True

    def run(self) -> None:
        try:
            while not self.stopping:
                for process in self.processes:
                    self._look_after(process)
                time.sleep(_TICK_S)
        finally:
            self._end_all()

    def _look_after(self, process: Process) -> None:
        now = time.monotonic()
        if process.popen is None:
            if now >= process.next_start:
                self._start(process)
            return
        status = process.popen.poll()
        if status is None:
            return
        self._bury(process)
        if process.once:
            process.next_start = float("inf")
            return
        # A process that died quickly will probably die again. Others restart at once.
        calm = now - process.started_at > _CALM_S
        process.pause_s = 1.0 if calm else min(2 * process.pause_s, self.max_pause_s)
        process.next_start = now + process.pause_s
        log.warning("%s ended with %s; again in %.0f s", process.name, status, process.pause_s)

    def _start(self, process: Process) -> None:
        process.started_at = time.monotonic()
        # A new session: Ctrl-C reaches only us, and we can kill a whole process group.
        process.popen = subprocess.Popen(  # noqa: S603 - our own commands
            process.command, env={**os.environ, **self.environment}, start_new_session=True
        )

    def _bury(self, process: Process) -> None:
        """Kill the process group: surviving children would interfere with the next process."""
        if process.popen is not None:
            _signal_group(process.popen.pid, signal.SIGKILL)
        process.popen = None

    def _end_all(self) -> None:
        living = [p for p in self.processes if p.popen is not None and p.popen.poll() is None]
        for process in living:
            if process.popen is not None:
                process.popen.terminate()
        until = time.monotonic() + GRACE_S
        while time.monotonic() < until and any(p.popen and p.popen.poll() is None for p in living):
            time.sleep(_TICK_S)
        for process in self.processes:
            self._bury(process)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        log.debug("process group %s is gone already", pid)
