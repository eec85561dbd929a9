"""`manage.py up`, up to the point where processes start, and `worker_alive`."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from marketplace.instance.liveness_files import touch_sign
from marketplace.instance.management.commands import up
from marketplace.instance.process_set import NAMES
from marketplace.instance.processes import Supervisor


@pytest.fixture
def supervised(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The supervisor that would have run; signals are put back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    found = []
    monkeypatch.setattr(Supervisor, "run", lambda self: found.append(self))
    monkeypatch.setattr(up, "call_command", lambda *_, **__: None)
    monkeypatch.setattr(up, "static_collect", lambda: False)
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def start(port: int, *options: Any, out: StringIO | None = None) -> str:
    out = out or StringIO()
    call_command("up", "--port", str(port), *options, stdout=out)
    return out.getvalue()


def test_it_supervises_every_process_and_says_where_the_site_is(
    db: None, supervised: list[Any], port: int, settings: Settings
) -> None:
    said = start(port, "--no-demo")
    (supervisor,) = supervised
    assert [process.name for process in supervisor.processes] == list(NAMES)
    assert f"127.0.0.1:{port}" in supervisor.processes[0].command
    assert settings.SITE_URL in said and "password" not in said


def test_the_first_start_loads_the_demo_once_and_says_how_to_sign_in(
    db: None, supervised: list[Any], port: int
) -> None:
    said = start(port, out=Terminal())
    demo = supervised[0].processes[-1]
    assert (demo.name, demo.once) == ("demo", True)
    assert "Sign in as demo with password " in said


def test_a_log_gets_the_file_of_the_demos_password_and_not_the_password(
    db: None, supervised: list[Any], port: int, settings: Settings
) -> None:
    said = start(port)
    assert "the file demo-password of the data folder has the password" in said
    assert (settings.DATA_DIR / "demo-password").read_text() not in said


def test_who_has_taken_the_password_away_is_not_told_one(
    db: None, supervised: list[Any], port: int, settings: Settings
) -> None:
    start(port)
    (settings.DATA_DIR / "demo-password").unlink()
    assert "Sign in" not in start(port)


def test_a_signal_ends_everything(db: None, supervised: list[Any], port: int) -> None:
    start(port, "--no-demo")
    assert supervised[0].stopping is False
    signal.raise_signal(signal.SIGTERM)
    assert supervised[0].stopping is True


def test_previews_live_in_this_process_unless_a_redis_has_them(
    db: None, supervised: list[Any], port: int, settings: Settings
) -> None:
    settings.PREVIEW_URL = ""
    start(port, "--no-demo")
    assert supervised[0].environment["FREEHOLD_PREVIEW_URL"].startswith("http://127.0.0.1:")
    settings.PREVIEW_URL = "redis://127.0.0.1/0"
    start(port, "--no-demo")
    assert "FREEHOLD_PREVIEW_URL" not in supervised[1].environment


def test_a_port_that_is_taken_is_said_before_anything_starts(supervised: list[Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"PORT={port + 1}"):
            start(port)
    assert supervised == []


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
