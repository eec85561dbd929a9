"""`inspect --pictures`, from the files to what is printed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from metalearn.checkpoint import write_safetensors
from metalearn.networks import NetworkSpec, build_network
from tests.metalearn.cli.commands import refused, run


def _checked(
    capsys: pytest.CaptureFixture[str], file: Path, folder: Path, *options: object
) -> dict[str, Any]:
    assert run("inspect", file, "--pictures", folder, "--json", *options) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["pictures"]
    return found


@pytest.fixture
def file(pool: Path) -> Path:
    """A model that knows day and night, untrained."""
    return pool / "model_0.safetensors"


def test_the_models_own_answers_are_right_and_others_are_not(
    file: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _checked(capsys, file, pictures / "support")
    assert first["n"] == 4 and first["n_right_top5"] is None
    for name in ("day", "night"):
        (tmp_path / "sorted" / name).mkdir(parents=True)
    for number, one in enumerate(first["predictions"]):
        source = pictures / "support" / one["image"]
        shutil.copy(source, tmp_path / "sorted" / one["predicted"] / f"{number}.png")
    for name in ("day", "night"):
        if not any((tmp_path / "sorted" / name).iterdir()):
            (tmp_path / "sorted" / name).rmdir()
    assert _checked(capsys, file, tmp_path / "sorted")["n_right"] == 4
    names = tmp_path / "names.txt"
    names.write_text("night\n\nday\n")
    turned = _checked(capsys, file, tmp_path / "sorted", "--class-names", names)
    assert turned["n_right"] == 0


def test_the_text_says_how_many_are_right_which_are_not_and_what_is_no_class(
    file: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pictures / "support"
    (folder / "dusk").mkdir()
    (folder / "night").rename(folder / "NIGHT")
    found = _checked(capsys, file, folder)
    assert found["unknown_folders"] == ["dusk"]
    assert {one["label"] for one in found["predictions"]} == {"day", "night"}
    assert run("inspect", file, "--pictures", folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"pictures      {found['n_right']} of 4 right" in lines
    assert "no class      dusk" in lines
    wrong = [one for one in found["predictions"] if not one["right"]]
    assert wrong
    for one in wrong:
        assert any(line.startswith(f"  {one['image']}: {one['predicted']}, ") for line in lines)


def test_normalisation_of_ones_own_is_used_and_checked(
    file: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = _checked(capsys, file, pictures / "support")
    other = _checked(
        capsys, file, pictures / "support", "--mean", 0.1, 0.1, 0.1, "--std", 0.2, 0.2, 0.2
    )
    assert usual["predictions"] != other["predictions"]
    why = refused(
        capsys, "inspect", file, "--pictures", pictures / "support", "--mean", 1, "--std", 1
    )
    assert "normalisation" in why or "mean" in why


def test_with_many_classes_the_first_five_are_told(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = build_network(NetworkSpec("conv4", 4, 3, 32, 12)).state_dict()
    names = ["day", "night", *(f"other {n}" for n in range(10))]
    card = json.dumps({"architecture": "conv4", "class_names": names, "image_size": 32})
    write_safetensors(state, tmp_path / "many.safetensors", {"freehold": card})
    found = _checked(capsys, tmp_path / "many.safetensors", pictures / "support")
    assert 0 <= found["n_right"] <= found["n_right_top5"] <= 4
    assert run("inspect", tmp_path / "many.safetensors", "--pictures", pictures / "support") == 0
    assert "among the first five" in capsys.readouterr().out


@pytest.mark.long
def test_what_cannot_be_checked_is_refused_in_one_sentence(
    file: Path, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    support = pictures / "support"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no sub-folders" in refused(capsys, "inspect", file, "--pictures", empty)
    (empty / "owl").mkdir()
    assert "after day, night." in refused(capsys, "inspect", file, "--pictures", empty)
    (empty / "day").mkdir()
    assert "has no pictures" in refused(capsys, "inspect", file, "--pictures", empty)
    (empty / "day" / "a.png").write_bytes(b"words")
    assert "a.png” cannot be read" in refused(capsys, "inspect", file, "--pictures", empty)
    assert "not a folder" in refused(capsys, "inspect", file, "--pictures", file)
    state = build_network(NetworkSpec("conv4", 4, 3, 32, 2)).state_dict()
    write_safetensors(state, tmp_path / "bare.safetensors", {})
    why = refused(capsys, "inspect", tmp_path / "bare.safetensors", "--pictures", support)
    assert "does not say what its 2 classes are called" in why
    for option, value in (("--mean", "0.5"), ("--std", "0.5"), ("--class-names", "names.txt")):
        assert "give --pictures" in refused(capsys, "inspect", file, option, value)
