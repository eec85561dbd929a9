"""Every command does its work, and refuses with exit code 2 and one sentence."""

import pytest

from metalearn.cli import build_parser


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        "algorithms",
        "inspect",
        "pack",
        "pretrain",
        "train",
        "evaluate",
        "adapt",
        "bench",
    ):
        with pytest.raises(SystemExit) as leaving:
            build_parser().parse_args([command, "--help"])
        assert leaving.value.code == 0
        assert f"metalearn {command}" in capsys.readouterr().out
