"""Every fault there is. Each strikes once, at whatever moment it is called."""

import contextlib
import re
import resource
import signal
import sqlite3
import struct
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from tests.faults.stage import LEASE_S, PATIENCE_S, Fault, Stage


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> bool:
    struck = False
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            struck = True
    return struck


def kill_child(stage: Stage) -> bool:
    """The process that computes; the kernel's OOM killer does the same."""
    child = stage.gpu_child()
    return child is not None and _signal([child], signal.SIGKILL)


def kill_worker(stage: Stage) -> bool:
    """The whole gpu worker."""
    return _signal(stage.family("-Q gpu"), signal.SIGKILL)


def kill_worker_parent(stage: Stage) -> bool:
    """The parent alone; its child finds itself an orphan."""
    return _signal(stage.family("-Q gpu")[:1], signal.SIGKILL)


def stop_worker(stage: Stage) -> bool:
    """A soft shutdown, as before an upgrade."""
    return _signal(stage.family("-Q gpu")[:1], signal.SIGTERM)


def kill_quick_worker(stage: Stage) -> bool:
    """It validates, adapts, and runs the clock's ticks."""
    return _signal(stage.family("-Q quick"), signal.SIGKILL)


def kill_clock(stage: Stage) -> bool:
    """Who sends the ticks."""
    return _signal(stage.family("beat"), signal.SIGKILL)


def kill_web(stage: Stage) -> bool:
    """In the middle of whatever request."""
    return _signal(stage.family("gunicorn"), signal.SIGKILL)


def kill_web_while_launching(stage: Stage) -> bool:
    """Between a job's row and its message, if it so happens."""
    from threading import Timer

    Timer(stage.dice.uniform(0, 0.15), kill_web, [stage]).start()
    stage.launch(stage.dice.choice(list(stage.undisturbed)))
    return True


def cut_power(stage: Stage) -> bool:
    """Everything at once; then the machine starts again."""
    process = stage.instance.process
    assert process is not None
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    _signal(family, signal.SIGKILL)
    process.wait(timeout=20)
    stage.instance.start(PATIENCE_S)
    return True


def freeze_child(stage: Stage) -> bool:
    """Silent for longer than its lease, then awake again beside its successor's row."""
    child = stage.gpu_child()
    if child is None or not _signal([child], signal.SIGSTOP):
        return False
    time.sleep(stage.dice.uniform(0.5, 2) * LEASE_S)
    return _signal([child], signal.SIGCONT)


def freeze_worker(stage: Stage) -> bool:
    """Parent and child."""
    family = stage.family("-Q gpu")
    _signal(family, signal.SIGSTOP)
    time.sleep(stage.dice.uniform(0.5, 2) * LEASE_S)
    return _signal(family, signal.SIGCONT)


def hang_child(stage: Stage) -> bool:
    """A step that never ends, as in a driver; only the heartbeat can tell."""
    child = stage.gpu_child()
    if child is None or not _hears(child.pid, signal.SIGUSR2):
        return False
    _signal([child], signal.SIGUSR2)
    with contextlib.suppress(psutil.TimeoutExpired):
        child.wait(timeout=PATIENCE_S)
    return not child.is_running()


def _hears(pid: int, number: signal.Signals) -> bool:
    """Whether it has a handler; what has none would end at once."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


def out_of_memory(stage: Stage) -> bool:
    """The job's process gets no byte more than it has."""
    child = stage.gpu_child()
    if child is None:
        return False
    try:
        now = child.memory_info().vms
        resource.prlimit(child.pid, resource.RLIMIT_AS, (now, now))
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    return True


def send_messages_twice(stage: Stage) -> bool:
    """Two more messages for every job; of all who get one, one may work."""
    code = (
        "from marketplace.jobs.models import Job; from marketplace.queue import Task, app; "
        "[app.send_task(str(Task.RUN_JOB), kwargs={'job_id': str(pk)}) for _ in range(2) "
        "for pk in Job.objects.values_list('pk', flat=True)[:6]]"
    )
    stage.instance.manage("shell", "--no-imports", "-c", code)
    return True


def forget_messages(stage: Stage) -> bool:
    """The embedded broker loses all that waits."""
    for path in (stage.instance.folder / "var" / "broker" / "messages").glob("*.msg"):
        path.unlink(missing_ok=True)
    return True


def lock_database(stage: Stage) -> bool:
    """Somebody holds SQLite's lock, now and then for longer than anybody waits."""
    path = stage.instance.folder / "var" / "freehold.sqlite3"
    holder = sqlite3.connect(path, timeout=20, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        time.sleep(stage.dice.choice([1, 2, 4, 24]))
        holder.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        holder.close()
    return True


def fill_disk(stage: Stage) -> bool:
    """Not a byte left for snapshots, messages and rows."""
    assert stage.disk is not None
    ballast = stage.disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(64 * 1024))
    time.sleep(stage.dice.uniform(1, 5))
    ballast.unlink()
    return True


def set_clock(stage: Stage) -> bool:
    """Every process but the database's server sees another time of day from now on."""
    assert stage.clock_file is not None
    stage.clock_offset_s += stage.dice.choice([-3600, -600, -60, 60, 600, 3600])
    with stage.clock_file.open("r+b") as file:
        file.write(struct.pack("<q", stage.clock_offset_s))
    return True


def restart_broker(stage: Stage) -> bool:
    """It forgets what it may forget."""
    stage.servers["broker"].restart_after(stage.dice.uniform(0, 3))
    return True


def freeze_broker(stage: Stage) -> bool:
    """Connections stay open and nobody answers."""
    stage.servers["broker"].freeze_for(stage.dice.uniform(1, 8))
    return True


def restart_database(stage: Stage) -> bool:
    """Away for a moment."""
    stage.servers["database"].restart_after(stage.dice.uniform(0, 3))
    return True


def lose_database(stage: Stage) -> bool:
    """Away for half a minute."""
    stage.servers["database"].restart_after(30)
    return True


def freeze_database(stage: Stage) -> bool:
    """Connections stay open and nobody answers."""
    stage.servers["database"].freeze_for(stage.dice.uniform(1, 8))
    return True


def fail_one_in_five(stage: Stage) -> bool:
    """The object store answers 500 to one request in five for a while."""
    assert stage.proxy is not None
    stage.proxy.rate = 0.2
    time.sleep(stage.dice.uniform(3, 8))
    stage.proxy.rate = 0.0
    return True


def restart_store(stage: Stage) -> bool:
    """The object store is away."""
    stage.servers["store"].restart_after(stage.dice.uniform(0, 4))
    return True


ANYWHERE: dict[Fault, float] = {
    kill_child: 6,
    kill_worker: 3,
    kill_worker_parent: 2,
    stop_worker: 2,
    kill_quick_worker: 2,
    kill_clock: 2,
    kill_web: 2,
    kill_web_while_launching: 1,
    cut_power: 0.5,
    freeze_child: 3,
    freeze_worker: 2,
    out_of_memory: 3,
    hang_child: 0.5,
    send_messages_twice: 1,
}
EMBEDDED: dict[Fault, float] = {**ANYWHERE, forget_messages: 2, lock_database: 2}
DEPLOYED: dict[Fault, float] = {
    **ANYWHERE,
    restart_broker: 3,
    freeze_broker: 2,
    restart_database: 3,
    lose_database: 1,
    freeze_database: 2,
    fail_one_in_five: 3,
    restart_store: 2,
}
QUIET = {kill_quick_worker, kill_clock, kill_web, send_messages_twice, set_clock, fill_disk}
"""Those after which one need not wait for the worker to come back."""
