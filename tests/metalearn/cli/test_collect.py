"""`collect` makes a pool of files as libraries write them, or leaves nothing behind."""

from pathlib import Path

import pytest
import torch

from metalearn.checkpoint import read_pool
from metalearn.cli import main
from metalearn.networks.libraries import timm, torchvision_models


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """What torchvision and timm save: bare weights, of 1,000 classes and of seven."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        models = {
            "mobilenet_v3_small.pth": torchvision_models().mobilenet_v3_small(),
            "mine.pth": timm().create_model("lcnet_050", num_classes=7),
        }
    for name, model in models.items():
        torch.save(model.state_dict(), tmp_path / name)
    return [tmp_path / name for name in models]


@pytest.mark.long
def test_files_of_unlike_libraries_become_one_pool(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("collect", *files, "--out", tmp_path / "pool") == 0
    pool = read_pool(tmp_path / "pool")
    assert [teacher.name for teacher in pool.teachers] == ["mobilenet_v3_small", "mine"]
    assert [teacher.spec.architecture for teacher in pool.teachers] == [
        "torchvision/mobilenet_v3_small",
        "timm/lcnet_050",
    ]
    names = [teacher.class_names for teacher in pool.teachers]
    assert "pineapple" in names[0]
    assert names[1] == tuple(f"mine {number}" for number in range(7))
    assert [teacher.image_size for teacher in pool.teachers] == [224, 224]
    assert capsys.readouterr().out.endswith("2 models are in " + f"{tmp_path / 'pool'}.\n")


@pytest.mark.long
def test_models_can_be_asked_at_another_size(files: list[Path], tmp_path: Path) -> None:
    assert run("collect", *files, "--image-size", 96, "--out", tmp_path / "pool") == 0
    assert {teacher.image_size for teacher in read_pool(tmp_path / "pool").teachers} == {96}


@pytest.mark.long
def test_one_bad_file_leaves_no_folder_and_is_named(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"no weights")
    assert run("collect", *files, bad, "--out", tmp_path / "pool") == 2
    assert "bad.pth”:" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == sorted([*files, bad])


def test_two_files_of_one_name_are_refused_before_any_is_read(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "other" / "mine.pth"
    assert run("collect", *files, twin, "--out", tmp_path / "pool") == 2
    assert "2 files are called “mine”" in capsys.readouterr().err


def test_a_folder_that_exists_is_not_added_to(
    files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("collect", *files, "--out", tmp_path) == 2
    assert "give a new folder" in capsys.readouterr().err
