"""The kernel ends a reader that calls what no parser needs."""

import subprocess
from unittest.mock import ANY

import pytest

from tests.worker.sandbox.calling import call, offered
from worker.sandbox.client import Outcome, Sandbox


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
