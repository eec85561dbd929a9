"""Whatever a child does, the worker gets an outcome and goes on."""

import os
import socket
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.worker.sandbox.calling import LIMITS, call
from worker.sandbox.client import Sandbox, SandboxError, _warn_of_missing


def test_an_answer_comes_back_as_plain_data(sandbox: Sandbox) -> None:
    outcome = call(sandbox, "echo", a=[1, "ü"])
    assert (outcome.kind, outcome.answer) == ("answered", {"a": [1, "ü"]})
    assert 0 < outcome.cpu_s < 5


def test_memory_counts_from_what_the_zygote_holds(sandbox: Sandbox) -> None:
    assert call(sandbox, "eat_memory", n_bytes=100_000_000).kind == "answered"
    assert call(sandbox, "eat_memory", n_bytes=300_000_000).kind == "memory"


def test_a_child_that_sleeps_or_spins_runs_out_of_time(sandbox: Sandbox) -> None:
    start = time.monotonic()
    assert call(sandbox, "sleep", replace(LIMITS, wall_s=1)).kind == "time"
    assert call(sandbox, "spin", replace(LIMITS, cpu_s=1)).kind == "time"
    assert time.monotonic() - start < 30


@pytest.mark.parametrize("name", ["segfault", "leave", "kill_yourself", "babble_without_end"])
def test_a_child_that_dies_or_babbles_is_a_crash(sandbox: Sandbox, name: str) -> None:
    assert call(sandbox, name).kind == "crashed"
    assert call(sandbox, "echo").kind == "answered"


@pytest.mark.parametrize("words", ["not json", "[1, 2]", "[" * 50_000, "null"])
def test_an_answer_that_is_no_json_object_is_a_crash(sandbox: Sandbox, words: str) -> None:
    assert call(sandbox, "babble", words=words).kind == "crashed"


def test_a_large_file_cannot_be_written(sandbox: Sandbox, tmp_path: Path) -> None:
    said: dict[str, Any] = {"path": str(tmp_path / "large"), "writes": [tmp_path]}
    assert call(sandbox, "write_much", n_bytes=900_000, **said).answer["refused"] is None
    assert call(sandbox, "write_much", n_bytes=2_000_000, **said).answer["refused"]


def test_there_is_no_network_where_the_system_allows_that(sandbox: Sandbox) -> None:
    possible = subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True)
    if possible.returncode != 0:
        pytest.skip("this system does not let processes leave the network")
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = call(sandbox, "connect", port=server.getsockname()[1])
    assert outcome.kind == "crashed" or outcome.answer == {"connected": False}


def test_what_a_machine_does_not_offer_is_said_in_the_log(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    _warn_of_missing([])
    assert not caplog.records
    _warn_of_missing(["Landlock", "seccomp"])
    assert "without Landlock and seccomp" in caplog.text


def test_a_dead_zygote_is_an_error_of_ours_and_the_next_call_starts_another() -> None:
    sandbox = Sandbox(preload="tests.worker.sandbox.misbehaving:load")
    sandbox.start()
    process = sandbox._process
    assert process is not None
    threading.Timer(1, process.kill).start()
    with pytest.raises(SandboxError):
        call(sandbox, "sleep")
    assert call(sandbox, "echo").kind == "answered"
    sandbox.close()


def test_it_works_inside_celerys_daemonic_children(tmp_path: Path) -> None:
    billiard = pytest.importorskip("billiard")
    result = tmp_path / "result"
    process = billiard.get_context("fork").Process(target=_in_child, args=(str(result),))
    process.daemon = True
    process.start()
    process.join(60)
    assert result.read_text() == "answered"


def _in_child(path: str) -> None:
    sandbox = Sandbox(preload="tests.worker.sandbox.misbehaving:load")
    Path(path).write_text(call(sandbox, "echo").kind)
    sandbox.close()
    os._exit(0)


def test_after_a_fork_the_child_starts_its_own_zygote(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.start()
    ours = sandbox._process
    result = tmp_path / "result"
    pid = os.fork()
    if pid == 0:
        outcome = call(sandbox, "echo", from_child=True)
        result.write_text(str(outcome.answer))
        sandbox.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert result.read_text() == "{'from_child': True}"
    assert call(sandbox, "echo", n=1).answer == {"n": 1}
    assert sandbox._process is ours
