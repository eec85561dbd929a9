"""Whatever a child does, the worker gets an outcome and goes on."""

import os
import socket
import subprocess
import threading
import time
<<<<<<< HEAD
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
=======
from dataclasses import replace
>>>>>>> h-test-b
from pathlib import Path
from typing import Any

import pytest

<<<<<<< HEAD
from worker.sandbox import zygote
from worker.sandbox.client import (
    Limits,
    Outcome,
    Sandbox,
    SandboxError,
    _outcome,
    _warn_of_missing,
)

LIMITS = Limits(memory_bytes=200_000_000, cpu_s=5, wall_s=10, file_bytes=1_000_000)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(preload="tests.worker.sandbox.misbehaving:load")
    yield sandbox
    sandbox.close()


def call(
    sandbox: Sandbox,
    name: str,
    limits: Limits = LIMITS,
    *,
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
    **arguments: object,
) -> Outcome:
    function = f"tests.worker.sandbox.misbehaving:{name}"
    return sandbox.call(function, arguments, limits, reads=reads, writes=writes)


def offered(sandbox: Sandbox, name: str) -> None:
    """Skip where the kernel does not offer this protection; here it is tried out once more."""
    code = f"import worker.sandbox.{name} as m, ctypes; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0);"
    code += "print(m.restrict_files(reads=[], writes=[]) if hasattr(m, 'restrict_files')"
    code += " else m.allow_syscalls())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if done.stdout.strip() != "True":
        pytest.skip(f"this kernel does not offer {name}")
=======
from tests.worker.sandbox.calling import LIMITS, call
from worker.sandbox.client import Sandbox, SandboxError, _warn_of_missing
>>>>>>> h-test-b


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


<<<<<<< HEAD
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


def test_a_child_has_no_capabilities_even_as_root(sandbox: Sandbox) -> None:
    held = call(sandbox, "capabilities").answer
    assert set(held) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    if os.geteuid() != 0:
        del held["CapBnd"]  # only a process with CAP_SETPCAP can lower it
    assert {int(value, 16) for value in held.values()} == {0}


def test_a_protection_that_fails_later_is_our_fault_and_nothing_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zygote, "_close_other_files", lambda writing: writing)
    monkeypatch.setattr(zygote, "limit_resources", lambda **limits: None)
    monkeypatch.setattr(zygote, "restrict_access", lambda reads, writes: ["seccomp"])
    request = {
        "function": "tests.worker.sandbox.misbehaving:echo",
        "arguments": {},
        "limits": asdict(LIMITS),
        "reads": [],
        "writes": [],
    }
    answer = zygote._serve(request, missing=[])
    with pytest.raises(SandboxError, match="could not be confined"):
        _outcome(answer)
    # Where the kernel never offered it, files are read with limits alone.
    assert _outcome(zygote._serve(request, missing=["seccomp"])).kind == "answered"


def test_a_child_may_start_threads(sandbox: Sandbox) -> None:
    assert call(sandbox, "start_thread").answer == {"seen": [1]}


def test_a_child_reads_and_writes_only_what_it_was_given(sandbox: Sandbox, tmp_path: Path) -> None:
    offered(sandbox, "landlock")
    paths = []
    for name in ("source", "target", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"secret")
        paths.append(str(tmp_path / name / "file"))
    outcome = call(
        sandbox,
        "touch_files",
        paths=[*paths, "/etc/passwd", f"/proc/{os.getpid()}/environ"],
        reads=[tmp_path / "source" / "file"],
        writes=[tmp_path / "target", tmp_path / "not there"],
    )
    assert outcome.answer == {"read": paths[:2], "written": [paths[1]]}


=======
>>>>>>> h-test-b
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
