"""Evaluation reports what the contract says."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.metalearn.cli.commands import refused, run


def test_evaluate_reports_what_the_contract_says(
    learner: Path, pack: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command: tuple[Any, ...] = ("evaluate", learner, "--data", pack)
    command += ("--way", 2, "--shot", 1, "--query", 3)
    command += ("--episodes", 5, "--head", "sgd", "--calibrate", "icfil", "--set", "inner_steps=2")
    assert run(*command, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert 0 <= result["accuracy"] <= 100 and result["interval95"] >= 0
    expected = {
        "episodes": 5,
        "way": 2,
        "shot": 1,
        "batchnorm": "inductive",
        "head": "sgd",
        "calibrate": "icfil",
    }
    assert expected.items() <= result.items()
    assert run(*command) == 0
    assert f"{result['accuracy']:.2f} ±" in capsys.readouterr().out
    assert "only 2 classes" in refused(capsys, *command, "--way", 5)
