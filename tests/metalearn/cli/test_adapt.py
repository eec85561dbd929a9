"""Pictures are labelled after a few examples; what cannot be read is named."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.foreign import foreign_files
from tests.metalearn.cli.commands import refused, run


def test_adapt_labels_pictures(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert run(*command, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["labels"] == ["day", "night"]
    assert [p["image"] for p in answer["predictions"]] == [
        "day/0.png", "day/1.png", "night/0.png", "night/1.png",
    ]  # fmt: skip
    for prediction in answer["predictions"]:
        assert prediction["label"] == Path(prediction["image"]).parent.name
        assert sum(prediction["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert run(*command) == 0
    assert "day/0.png\tday\t" in capsys.readouterr().out


def test_adapt_names_the_picture_that_cannot_be_read(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "query" / "broken.png").write_bytes(b"\x89PNG no")
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert "broken.png" in refused(capsys, *command)


def test_adapt_passes_over_what_systems_leave_behind(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "support" / "__MACOSX").mkdir()
    (pictures / "query" / "__MACOSX").mkdir()
    for name in ("support/day/.DS_Store", "support/__MACOSX/x.png", "query/Thumbs.db"):
        (pictures / name).write_bytes(b"x")
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert run(*command, "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["labels"] == ["day", "night"]
    assert said.err == ""


def test_adapt_refuses_what_is_no_picture_of_ours_with_what_to_do(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "query" / "photo.jpg").write_bytes(foreign_files()["an HEIC picture"][0])
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    said = refused(capsys, *command)
    assert "photo.jpg” is an HEIC picture, which Freehold cannot read; export it as JPEG" in said


def test_adapt_warns_once_of_pictures_that_are_nearly_black(
    learner: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("7.png", "8.png"):
        dark = Image.fromarray(np.full((20, 20), 4000, np.uint16))
        dark.save(pictures / "query" / "night" / name)
    command = ("adapt", learner, "--support", pictures / "support", "--query", pictures / "query")
    assert run(*command) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "7.png” and 1 other look nearly black: " in line
