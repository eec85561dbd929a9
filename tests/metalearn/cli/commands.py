"""How tests run a command, and what it says when it refuses."""

import pytest

from metalearn.cli import main


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence with which the command refuses."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and captured.err.endswith(".\n")
    assert "Traceback" not in captured.err
    return captured.err
