"""Our own files say in their metadata what a teacher is, and nothing in it is believed."""

import json
from pathlib import Path

import pytest
import torch

from metalearn.checkpoint.reading import read_tensors_and_metadata
from metalearn.checkpoint.writing import METADATA_KEY, card_of, describe, write_checkpoint
from metalearn.pool import Teacher


def test_a_file_has_the_weights_and_what_the_teacher_is(teacher: Teacher, tmp_path: Path) -> None:
    write_checkpoint(teacher, tmp_path / "file")
    tensors, metadata = read_tensors_and_metadata(tmp_path / "file")
    state = teacher.network.state_dict()
    assert set(tensors) == set(state)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in state.items())
    card = card_of(metadata)
    assert card == describe(teacher)
    assert card["class_names"] == ["cat", "dog", "fox", "hen", "owl"]
    assert (card["name"], card["architecture"], card["image_size"]) == ("small", "conv4", 32)


@pytest.mark.parametrize("card", ["", "{", "[1]", "3", "[" * 100_000])
def test_metadata_of_any_other_form_says_nothing(card: str) -> None:
    assert card_of({METADATA_KEY: card}) == {}
    assert card_of({}) == {}


def test_what_is_described_is_plain_data(teacher: Teacher) -> None:
    described = describe(teacher)
    assert json.loads(json.dumps(described)) == described
