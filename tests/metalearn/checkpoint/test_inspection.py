import json
from pathlib import Path

import pytest
import torch

from metalearn.checkpoint import (
    fingerprint,
    inspect_checkpoint,
    write_checkpoint,
    write_safetensors,
    write_tensors,
)
from metalearn.errors import InvalidCheckpoint
from metalearn.pool import Teacher
from tests.metalearn.checkpoint.honest import SPECS, State, state_of


def test_our_own_file_tells_all(teacher: Teacher, state: State, tmp_path: Path) -> None:
    write_checkpoint(teacher, tmp_path / "file")
    facts = inspect_checkpoint(tmp_path / "file")
    assert facts["architecture"] == "conv4" and facts["width"] == 8
    assert (facts["channels"], facts["image_size"], facts["n_classes"]) == (3, 32, 5)
    assert facts["class_names"] == list(teacher.class_names)
    assert facts["mean"] == list(teacher.mean) and facts["std"] == list(teacher.std)
    assert facts["fingerprint"] == fingerprint(state) == teacher.sha256
    assert len(facts["tensors"]) == len(state)
    json.dumps(facts)


def test_a_file_of_others_tells_what_its_shapes_tell(tmp_path: Path) -> None:
    torch.save(state_of(SPECS[0]), tmp_path / "file")
    facts = inspect_checkpoint(tmp_path / "file", "conv4")
    assert facts["image_size"] == 32 and facts["class_names"] is None
    torch.save(state_of(SPECS[3]), tmp_path / "file")
    assert inspect_checkpoint(tmp_path / "file", "resnet10")["image_size"] is None
    assert inspect_checkpoint(tmp_path / "file", "resnet10", 64)["image_size"] == 64


def test_an_unknown_network_is_refused_as_an_upload_of_it_would_be(tmp_path: Path) -> None:
    write_safetensors({"w": torch.ones(3), "n": torch.ones(2).int()}, tmp_path / "file", {})
    with pytest.raises(InvalidCheckpoint, match="no classifier"):
        inspect_checkpoint(tmp_path / "file", image_size=32)


def test_a_file_that_is_not_what_was_asked_for_is_refused(state: State, tmp_path: Path) -> None:
    write_safetensors(state, tmp_path / "file", {})
    with pytest.raises(InvalidCheckpoint, match="architecture"):
        inspect_checkpoint(tmp_path / "file", "resnet18")


@pytest.mark.parametrize(
    "card",
    ["no json", "[1]", "[" * 100_000, '{"image_size": "big", "class_names": [1], "mean": 2}'],
)
def test_nothing_in_foreign_metadata_is_believed(state: State, tmp_path: Path, card: str) -> None:
    write_safetensors(state, tmp_path / "file", {"freehold": card})
    facts = inspect_checkpoint(tmp_path / "file")
    assert facts["image_size"] == 32
    assert facts["class_names"] is None and facts["mean"] is None


def test_the_original_precision_is_kept_on_request(teacher: Teacher, tmp_path: Path) -> None:
    half = {n: t.half() if t.is_floating_point() else t for n, t in state_of(SPECS[0]).items()}
    write_tensors(half, tmp_path / "file", teacher)
    kinds = {t["dtype"] for t in inspect_checkpoint(tmp_path / "file")["tensors"]}
    assert kinds == {"float16", "int64"}
