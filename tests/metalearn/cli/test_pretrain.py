"""Pretraining makes a pool that a run can read."""

from pathlib import Path

import pytest

from metalearn.checkpoint import read_pool
from tests.metalearn.cli.commands import refused, run


def test_pretrain_makes_a_pool_that_train_can_read(
    pack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    options = ("--models", 2, "--way", 2, "--width", 4, "--epochs", 2, "--device", "cpu")
    assert run("pretrain", pack, "--out", out, *options) == 0
    captured = capsys.readouterr()
    assert captured.out.count("held-out") == 2
    assert "pretrained 2/2" in captured.err
    teachers = read_pool(out).teachers
    assert teachers[0].class_names == ("day", "night")
    assert teachers[0].extra["dataset"] == "pack"
    assert "not empty" in refused(capsys, "pretrain", pack, "--out", out, *options)
