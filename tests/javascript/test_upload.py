"""What the upload page makes of files and folders, in Node, read by Python and by our reader."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from metalearn.checkpoint import folder as reader
from metalearn.checkpoint import inspect_checkpoint
from metalearn.networks import NetworkSpec, build_network
from tests.javascript.node import needs_node, run_node

HERE = Path(__file__).parent
pytestmark = needs_node
NAMES = ("cat", "dog", "emu", "fox")


def filled(folder: Path, *paths: str) -> Path:
    """A folder with these files, each of its own path as content."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)
    return folder


def given(folder: Path, *, alone: bool = False) -> dict[str, Any]:
    """The models that the page makes of a dropped folder, or of its files alone."""
    out = folder.parent / "sent"
    out.mkdir()
    more = ("alone",) if alone else ()
    said: dict[str, Any] = json.loads(run_node(HERE / "given.mjs", folder, out, *more))
    for model in said["models"]:
        assert model["size"] == model["sent"]
        model["path"] = out / model["file"]
    return said


def names(said: dict[str, Any]) -> list[str]:
    return [model["name"] for model in said["models"]]


def inside(model: dict[str, Any]) -> list[str]:
    with zipfile.ZipFile(model["path"]) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_bounds_of_the_writer() -> None:
    command = ["node", "--test", str(HERE / "zip.test.mjs")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_a_folder_is_one_zip_that_python_and_the_reader_read(tmp_path: Path) -> None:
    folder = tmp_path / "my_räume ☂"
    folder.mkdir()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = build_network(NetworkSpec("conv4", 8, 3, 32, 4)).state_dict()
    safetensors.torch.save_file(state, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"label_names": NAMES}))
    said = given(folder)
    (model,) = said["models"]
    assert (model["name"], said["leftOut"]) == ("my räume ☂", 0)
    assert model["file"] == "0-my_räume ☂.zip"
    with zipfile.ZipFile(model["path"]) as archive:
        assert archive.testzip() is None
        for one in archive.infolist():
            assert archive.read(one) == (folder / one.filename).read_bytes()
            assert one.compress_type == zipfile.ZIP_STORED
    assert inspect_checkpoint(model["path"])["class_names"] == list(NAMES)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip on this machine")
def test_other_programs_read_it_too(tmp_path: Path) -> None:
    folder = filled(tmp_path / "ä", "model.safetensors", "config.json", "ü.txt")
    (model,) = given(folder)["models"]
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(["unzip", "-tqq", model["path"]], check=True, env=environment)


def test_the_same_folder_is_the_same_zip_again(tmp_path: Path) -> None:
    folder = filled(tmp_path / "model", "model.safetensors", "config.json")
    (first,) = given(folder)["models"]
    content, modified = first["path"].read_bytes(), first["lastModified"]
    shutil.rmtree(tmp_path / "sent")
    (again,) = given(folder)["models"]
    assert (again["path"].read_bytes(), again["lastModified"]) == (content, modified)


def test_what_no_worker_reads_is_left_out_and_counted(tmp_path: Path) -> None:
    wanted = ["README.md", "config.json", "model.safetensors", "preprocessor_config.json"]
    others = [
        ".git/config.json",
        ".git/objects/ab/model.bin",
        "__MACOSX/._model.safetensors",
        "._model.safetensors",
        ".DS_Store",
        "checkpoint-500/model.safetensors",
        "checkpoint-500/optimizer.pt",
        "optimizer.pt",
        "scheduler.pt",
        "training_args.bin",
        "rng_state.pth",
        "events.out.tfevents",
        "pytorch_model.bin",
        "runs/notes.txt",
    ]
    said = given(filled(tmp_path / "vit", *wanted, *others))
    (model,) = said["models"]
    assert sorted(inside(model)) == wanted
    assert said["leftOut"] == len(others)


def test_shards_go_along_with_their_index(tmp_path: Path) -> None:
    shards = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    folder = filled(tmp_path / "large", *shards, "config.json", "adapter.bin")
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    said = given(folder)
    (model,) = said["models"]
    assert sorted(inside(model)) == sorted([*shards, "config.json", "model.safetensors.index.json"])
    assert said["leftOut"] == 1


def test_several_files_of_weights_without_a_config_are_several_models(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "pool", "a_bird.pt", "b.safetensors", "c.zip", "notes.md"))
    assert names(said) == ["c", "a bird", "b"]
    assert [model["path"].read_text() for model in said["models"]] == [
        "c.zip",
        "a_bird.pt",
        "b.safetensors",
    ]
    assert said["leftOut"] == 1


def test_one_model_in_two_formats_is_one_model(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "vit", "model.safetensors", "pytorch_model.bin"))
    assert (names(said), inside(said["models"][0])) == (["vit"], ["model.safetensors"])


def test_a_folder_of_folders_is_one_model_each(tmp_path: Path) -> None:
    models = [f"{name}/{file}" for name in "ab" for file in ("model.safetensors", "config.json")]
    said = given(filled(tmp_path / "all", *models, "summary.md"))
    assert names(said) == ["a", "b"]
    assert [sorted(inside(model)) for model in said["models"]] == [
        ["config.json", "model.safetensors"]
    ] * 2


def test_models_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "all", "birds/best/model.pt", "fish/best/model.pt"))
    assert names(said) == ["birds best", "fish best"]


def test_several_files_by_themselves_are_several_models(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "x", "a.pt", "b.pt", "best.pt", "model.safetensors"), alone=True)
    assert names(said) == ["a", "b", "best", "model"]


def test_the_files_of_a_folder_without_their_folder_are_one_model(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "x", "model.safetensors", "config.json"), alone=True)
    assert sorted(inside(said["models"][0])) == ["config.json", "model.safetensors"]


def test_one_file_alone_is_sent_whatever_it_is_called(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "x", "last.pth.tar"), alone=True)
    assert names(said) == ["last.pth.tar"]
    assert said["models"][0]["path"].read_text() == "last.pth.tar"


def test_a_folder_without_weights_is_no_model(tmp_path: Path) -> None:
    said = given(filled(tmp_path / "docs", "README.md", "config.json"))
    assert (said["models"], said["leftOut"]) == ([], 2)


def test_the_page_knows_the_endings_that_the_reader_knows(tmp_path: Path) -> None:
    weights = [f"weights{suffix}" for suffix in reader._WEIGHTS]
    facts = [f"facts{suffix}" for suffix in reader._FACTS]
    others = [f"{name}.pt" for name in reader._NOT_WEIGHTS]
    said = given(filled(tmp_path / "all", *weights, *facts, *others, "config.json", "a.yaml"))
    packed = [sorted(inside(model)) for model in said["models"]]
    assert sorted(packed) == sorted(sorted([one, *facts, "config.json"]) for one in weights)
    assert said["leftOut"] == len(others) + 1


@pytest.mark.parametrize("first", range(len(reader._USUAL)))
def test_the_page_takes_the_weights_that_the_reader_takes(tmp_path: Path, first: int) -> None:
    folder = filled(tmp_path / "model", *reader._USUAL[first:], "other.pth", "config.json")
    (model,) = given(folder)["models"]
    assert sorted(inside(model)) == sorted([reader.weights_in(folder).name, "config.json"])
