"""What several commands share: options in range, progress, and readers that leave early."""

import subprocess
import sys
from pathlib import Path

import pytest

from metalearn.cli import main
from tests.metalearn.cli.commands import run


def test_a_bar_is_drawn_on_a_terminal(
    pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    command = ("train", "random_init", "--pool", pool, "--out", tmp_path / "learner")
    # The settings of the other test, so that its graphs do for both.
    assert run(*command, "--set", "n_way=2", "--set", "learner_width=4") == 0
    assert "100%" in capsys.readouterr().err


@pytest.mark.slow
def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m metalearn algorithms | head -1",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == "" and done.stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [("--seed", str(2**63)), ("--seed", "9" * 5000), ("--models", "0"), ("--seed", "-1")],
)
def test_numbers_out_of_their_range_are_refused_by_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "random_init", "--pool", str(tmp_path), "--out", "x", option, value])
    assert ended.value.code == 2
    assert f"{option}: {value[:30]} is not between" in capsys.readouterr().err
