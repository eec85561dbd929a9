"""The confined child gets the system calls of the list, and no other that the kernel knows."""

import errno
import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
import termios
from unittest.mock import ANY

import pytest

from tests.worker.sandbox import confining
from tests.worker.sandbox.calling import call, offered
from tests.worker.sandbox.confining import call as make_call
from tests.worker.sandbox.confining import confined
from worker.sandbox import syscalls
from worker.sandbox.client import Outcome, Sandbox

_COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine(), -1)
_BEYOND = 600
# The kernel's own entries for probes skip every filter and act only at addresses it chose itself.
_PROBES = {335, 336} if _COLUMN == 0 else set()
pytestmark = pytest.mark.skipif(_COLUMN < 0, reason="the filter knows x86-64 and ARM64 only")


def _number(numbers: tuple[int | None, ...]) -> int | None:
    return numbers[_COLUMN]


@pytest.fixture(scope="module", autouse=True)
def _offered() -> None:
    if confined(lambda: 0) != 0:
        pytest.skip("this kernel does not offer seccomp")


def test_every_number_that_is_not_listed_ends_the_process_or_does_not_exist() -> None:
    listed = {_number(numbers) for numbers in syscalls.ALLOWED.values()}
    listed |= {_number(row[0]) for row in syscalls.BY_ARGUMENT.values()}
    listed |= {_number(syscalls._CLONE), _number(syscalls._TGKILL)}
    absent = {_number(numbers) for numbers in syscalls.ABSENT.values()}
    numbers = sorted(set(range(_BEYOND)) - listed - _PROBES)
    program = [sys.executable, "-m", confining.__name__, *map(str, numbers)]
    ends = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    wrong = {}
    for number, got in zip(numbers, ends, strict=True):
        unknown = number in absent or number >= syscalls.FIRST_UNKNOWN
        if got != (errno.ENOSYS if unknown else -signal.SIGSYS):
            wrong[number] = got
    assert not wrong


@pytest.mark.parametrize(
    ("name", "arguments", "ends"),
    [
        ("fcntl", (0, fcntl.F_SETOWN, 1), -signal.SIGSYS),
        ("fcntl", (0, fcntl.F_GETFD, 0), 0),
        ("ioctl", (0, termios.TIOCSTI, 0), errno.EPERM),
        ("prctl", (4, 1, 0), errno.EPERM),  # to be dumpable again
        ("prlimit64", (1, 0, 0), -signal.SIGSYS),  # of another process
    ],
)
def test_calls_with_many_uses_are_judged_by_their_argument(
    name: str, arguments: tuple[int, ...], ends: int
) -> None:
    number = _number(syscalls.BY_ARGUMENT[name][0])
    assert number is not None
    assert confined(lambda: make_call(number, *arguments)) == ends


def test_a_signal_may_go_to_the_process_itself_only() -> None:
    number = _number(syscalls._TGKILL)
    assert number is not None
    assert confined(lambda: make_call(number, os.getppid(), os.getppid(), 0)) == -signal.SIGSYS
    assert confined(lambda: make_call(number, os.getpid(), os.getpid(), 0)) == 0


def test_a_thread_may_start_and_a_process_may_not() -> None:
    number = _number(syscalls._CLONE)
    assert number is not None
    assert confined(lambda: make_call(number, signal.SIGCHLD, 0, 0, 0, 0)) == -signal.SIGSYS


@pytest.mark.parametrize("column", [0, 1])
def test_no_number_is_listed_twice(column: int) -> None:
    rows: list[tuple[int | None, ...]] = [*syscalls.ALLOWED.values(), *syscalls.ABSENT.values()]
    rows += [row[0] for row in syscalls.BY_ARGUMENT.values()]
    rows += [syscalls._CLONE, syscalls._TGKILL]
    numbers = [row[column] for row in rows if row[column] is not None]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("name", ["make_socket", "run_program", "fork"])
def test_a_child_that_wants_a_socket_or_a_program_is_ended(sandbox: Sandbox, name: str) -> None:
    offered(sandbox, "syscalls")
    assert call(sandbox, name) == Outcome("crashed", {}, cpu_s=ANY)


def test_a_child_cannot_end_the_worker(sandbox: Sandbox) -> None:
    offered(sandbox, "syscalls")
    other = subprocess.Popen(["sleep", "60"])
    try:
        assert call(sandbox, "kill_the_worker", pid=other.pid).kind == "crashed"
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_child_may_start_threads(sandbox: Sandbox) -> None:
    assert call(sandbox, "start_thread").answer == {"seen": [1]}
