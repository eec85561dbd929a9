"""The sandbox's server passes on nothing of the worker's, and ends with it."""

import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.worker.sandbox.calling import LIMITS, call
from worker.sandbox import zygote
from worker.sandbox.client import MAX_ANSWER_BYTES, Sandbox, SandboxError, _outcome
from worker.sandbox.zygote import _OUT_OF_MEMORY, _classify


def test_no_passwords_and_no_open_files_are_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    sandbox = Sandbox(preload="tests.worker.sandbox.misbehaving:load")
    try:
        with (tmp_path / "open").open("w"):
            assert "DATABASE_URL" not in call(sandbox, "environment").answer
            # Standard streams, the pipe for the answer, and the folder being listed.
            names = call(sandbox, "open_files").answer["names"]
        assert len(names) <= 5
    finally:
        sandbox.close()


def test_a_zygote_that_cannot_start_is_an_error_of_ours() -> None:
    with pytest.raises(SandboxError, match="did not start"):
        Sandbox(preload="tests.worker.sandbox.misbehaving:there_is_none").start()


def test_the_zygote_ends_with_its_worker() -> None:
    program = (
        "from worker.sandbox.client import Sandbox\n"
        "sandbox = Sandbox(preload='tests.worker.sandbox.misbehaving:load')\n"
        "sandbox.start()\n"
        "print(sandbox._process.pid, flush=True)\n"
        "import os; os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=False
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        if b"\nState:\tZ" in Path(f"/proc/{pid}/status").read_bytes():
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()


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


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (b"{}", 0, "answered"),
        (b"{}", signal.SIGKILL, "answered"),
        (None, signal.SIGKILL, "time"),
        (b"", signal.SIGXCPU, "time"),
        (b"", _OUT_OF_MEMORY << 8, "memory"),
        (b"", 0, "crashed"),
        (b"{}", signal.SIGSEGV, "crashed"),
        (b"x" * (MAX_ANSWER_BYTES + 1), 0, "crashed"),
    ],
)
def test_how_a_child_ended_is_one_of_four_outcomes(
    answer: bytes | None, status: int, kind: str
) -> None:
    assert _classify(answer, status)["kind"] == kind
