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
