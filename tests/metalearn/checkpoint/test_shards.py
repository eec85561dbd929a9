"""A model in several files is one set of weights; nothing outside its folder is read."""

import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from metalearn.checkpoint.contents import open_contents
from metalearn.errors import InvalidCheckpoint

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2), "b": torch.zeros(1)}
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
PLACES = {"a.weight": FIRST, "a.bias": SECOND, "b": FIRST}
State = dict[str, Tensor]


def write(folder: Path, places: Any = PLACES, **parts: State) -> Path:
    """A folder with these parts, honest where nothing else is said."""
    first = {name: STATE[name] for name in ("a.weight", "b")}
    safetensors.torch.save_file(parts.get("first", first), folder / FIRST)
    safetensors.torch.save_file(parts.get("second", {"a.bias": STATE["a.bias"]}), folder / SECOND)
    index = folder / "model.safetensors.index.json"
    text = json.dumps({"metadata": {}, "weight_map": places})
    index.write_text(places if isinstance(places, str) else text)
    return index


def same(ours: State) -> bool:
    return set(ours) == set(STATE) and all(torch.equal(ours[n], STATE[n]) for n in STATE)


def test_an_index_or_its_folder_gives_all_parts(tmp_path: Path) -> None:
    index = write(tmp_path)
    for path in (index, tmp_path):
        with open_contents(path) as contents:
            (weights,) = contents.weights
            assert same(weights.read())
            assert same(weights.read(["a.bias"]) | weights.read(["b", "a.weight"]))


def test_parts_may_be_kept_elsewhere(tmp_path: Path) -> None:
    index = write(tmp_path)
    (tmp_path / "other").mkdir()
    files = {}
    for number, name in enumerate((FIRST, SECOND)):
        files[name] = (tmp_path / name).rename(tmp_path / "other" / f"upload{number}")
    with open_contents(index, beside=files) as contents:
        assert same(contents.weights[0].read())
    for number, name in enumerate((FIRST, SECOND)):
        (tmp_path / "other" / f"upload{number}").rename(tmp_path / "other" / name)
    with open_contents(index, beside=tmp_path / "other") as contents:
        assert same(contents.weights[0].read())


def test_parts_that_torch_wrote_are_read(tmp_path: Path) -> None:
    torch.save({"a.weight": STATE["a.weight"], "b": STATE["b"]}, tmp_path / "x-1.bin")
    torch.save({"a.bias": STATE["a.bias"]}, tmp_path / "x-2.bin")
    places = {"a.weight": "x-1.bin", "b": "x-1.bin", "a.bias": "x-2.bin"}
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    with open_contents(tmp_path) as contents:
        assert same(contents.weights[0].read())


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidCheckpoint, match="The folder has no index"), open_contents(tmp_path):
        pass


@pytest.mark.parametrize(
    "name",
    [
        "../secret.safetensors",
        "/etc/passwd",
        "sub/model.safetensors",
        "..\\secret.safetensors",
        ".hidden.safetensors",
        "model.safetensors\n",
        "model.py",
        "",
        3,
        None,
        ["model.safetensors"],
        {"a": "b"},
        "a" * 999 + ".bin",
    ],
)
def test_an_index_that_leads_elsewhere_is_refused(name: object, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    safetensors.torch.save_file(STATE, tmp_path / "secret.safetensors")
    index = write(folder, PLACES | {"b": name})
    with (
        pytest.raises(InvalidCheckpoint, match="not a file of weights beside"),
        open_contents(index),
    ):
        pass


def test_parts_that_do_not_fit_the_index_are_refused(tmp_path: Path) -> None:
    first = {"a.weight": STATE["a.weight"], "b": STATE["b"]}
    twice = {"a.bias": STATE["a.bias"], "b": STATE["b"] + 1}
    cases: dict[str, dict[str, State]] = {
        "in the part": {"second": twice},
        "is not in the part": {"first": {"b": STATE["b"]}},
        "but not in the index": {"first": first | {"c": STATE["b"] + 1}},
    }
    for says, parts in cases.items():
        index = write(tmp_path, **parts)
        with pytest.raises(InvalidCheckpoint, match=says), open_contents(index):
            pass


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"weight_map": {"a": "x.bin", "a": "y.bin"}}', "twice"),
        ('{"weight_map": {"\\u001b": "x.bin"}}', "unprintable"),
        ('{"weight_map": {"a": "x.bin"}}', "“x.bin” is missing"),
        ('{"weight_map": {}}', "text file"),
        ('{"weight_map": []}', "text file"),
        ('{"weight_map": ', "text file"),
        ('{"weight_map":' * 100_000, "text file"),
        (json.dumps({"weight_map": {f"a{n}": f"{n}.bin" for n in range(300)}}), "200 files"),
        (json.dumps({"weight_map": {f"a{n}": "a.bin" for n in range(10_001)}}), "10,000 tensors"),
    ],
)
def test_a_damaged_index_is_refused(text: str, says: str, tmp_path: Path) -> None:
    index = write(tmp_path, text)
    with pytest.raises(InvalidCheckpoint, match=says), open_contents(index):
        pass


def test_a_part_by_itself_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    with (
        pytest.raises(InvalidCheckpoint, match="part 2 of 2 of a model"),
        open_contents(tmp_path / SECOND),
    ):
        pass
