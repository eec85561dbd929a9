"""A file becomes a recognised classifier, and how it was read is told."""

from pathlib import Path

import pytest
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint.model import read_model
from metalearn.checkpoint.writing import write_checkpoint
from metalearn.errors import InvalidCheckpoint
from metalearn.pool import Teacher
from tests.metalearn.checkpoint.honest import State


def test_our_own_file_is_read_by_its_card(teacher: Teacher, tmp_path: Path) -> None:
    write_checkpoint(teacher, tmp_path / "file")
    found = read_model(tmp_path / "file", DeclaredFile())
    assert found.spec == teacher.spec
    assert found.card["name"] == "small"
    assert found.reading()["told_by"] == "its card"
    assert found.size_bytes == (tmp_path / "file").stat().st_size


def test_the_average_is_taken_unless_the_raw_weights_are_asked_for(
    state: State, tmp_path: Path
) -> None:
    average = {name: tensor + 1 for name, tensor in state.items()}
    torch.save({"state_dict": state, "model_ema": average}, tmp_path / "file")
    found = read_model(tmp_path / "file", DeclaredFile())
    assert (found.weights, found.other_weights) == ("ema", ("raw",))
    raw = read_model(tmp_path / "file", DeclaredFile(weights="raw"))
    assert torch.equal(raw.tensors["head.weight"], state["head.weight"])
    torch.save(state, tmp_path / "plain")
    with pytest.raises(InvalidCheckpoint, match="no ema weights; it has raw"):
        read_model(tmp_path / "plain", DeclaredFile(weights="ema"))


def test_what_is_no_part_of_the_architecture_is_left_out_and_listed(
    state: State, tmp_path: Path
) -> None:
    torch.save(state | {"loss.margin": torch.ones(1), "epoch": 3}, tmp_path / "file")
    found = read_model(tmp_path / "file", DeclaredFile())
    assert set(found.tensors) == set(state)
    assert found.reading()["left_out"] == [
        ["loss.margin", "not part of the architecture"],
        ["epoch", "not a tensor"],
    ]


def test_a_network_that_normalises_its_images_itself_says_with_what(
    state: State, tmp_path: Path
) -> None:
    inside = {"norm.mean": torch.full((3,), 0.5), "norm.std": torch.full((3,), 0.25)}
    torch.save(state | inside, tmp_path / "file")
    own = read_model(tmp_path / "file", DeclaredFile()).normalisation
    assert own is not None and (own.mean, own.std) == ((0.5,) * 3, (0.25,) * 3)
