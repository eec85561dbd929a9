"""The processes of an instance, and the command that becomes one of them."""

import os
from typing import Any

import pytest
from django.core.management import call_command

from marketplace.instance.process_set import NAMES, command_of


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What this process would have become: [(program, command, environment)]."""
    seen = []
    monkeypatch.setattr(os, "execve", lambda *arguments: seen.append(arguments))
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_run_becomes_the_process_that_up_starts(became: list[Any], name: str) -> None:
    call_command("run", name, "--host", "0.0.0.0", "--port", "9000")
    ((program, command, environment),) = became
    assert command == command_of(name, host="0.0.0.0", port=9000)
    assert program == command[0] and os.access(program, os.X_OK)
    assert environment["OMP_NUM_THREADS"] == "1" and environment["PATH"] == os.environ["PATH"]
<<<<<<< HEAD


def test_a_worker_is_alive_while_this_machine_has_a_sign_of_it_whatever_the_database_does(
    own_files: Path,
) -> None:
    with pytest.raises(CommandError, match="queue gpu on this machine has shown no sign"):
        call_command("worker_alive", "gpu")
    touch_sign("quick")
    touch_sign("gpu")
    (sign,) = (own_files / "alive").glob("gpu@*")
    before = time.time() - 200
    os.utime(sign, (before, before))
    with pytest.raises(CommandError, match="for 120 s"):
        call_command("worker_alive", "gpu")
    call_command("worker_alive", "gpu", "--within", "300")


def test_the_sign_of_another_machine_is_none_of_this_one(
    own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch_sign("gpu")
    monkeypatch.setattr("socket.gethostname", lambda: "another-pod")
    with pytest.raises(CommandError):
        call_command("worker_alive", "gpu")


class Bucket:
    """A bucket of a store that answers with this code."""

    name = "freehold"

    def __init__(self, code: str) -> None:
        self.meta, self.client, self.made = self, self, []
        self._code = code

    def head_bucket(self, **_: Any) -> None:
        """Whether it is there."""
        if self._code:
            raise ClientError({"Error": {"Code": self._code}}, "HeadBucket")

    def create_bucket(self, **named: Any) -> None:
        """Make it."""
        self.made.append(named["Bucket"])


@pytest.mark.parametrize(("code", "made"), [("404", ["freehold"]), ("", [])])
def test_a_bucket_is_made_when_there_is_none(code: str, made: list[Any]) -> None:
    bucket = Bucket(code)
    assert make_bucket(bucket) is bool(made)
    assert bucket.made == made


def test_a_bucket_that_we_may_not_see_is_not_made() -> None:
    with pytest.raises(ClientError):
        make_bucket(Bucket("403"))
=======
>>>>>>> h-test-b
