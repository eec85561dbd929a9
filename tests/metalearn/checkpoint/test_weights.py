"""Weights are described at once, and read tensor by tensor when they are asked for."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from metalearn.checkpoint.weights import Part, Weights
from metalearn.errors import InvalidCheckpoint

FILE = {"module.a": torch.ones(2), "module.b": torch.zeros(3), "module.g": torch.full((2,), 3.0)}


def looked_into() -> tuple[Weights, list[str]]:
    """Weights of which one is computed from two, and the names that were read."""
    read: list[str] = []

    def read_these(names: Sequence[str]) -> dict[str, Tensor]:
        read.extend(names)
        return {name: FILE[name] for name in names}

    both = ("module.a", "module.g")
    parts = {
        "b": Part("module.b", (3,), torch.float32),
        "c": Part("c", (2,), torch.float32, both, lambda two: two[0] * two[1]),
    }
    return Weights("raw", "model", parts, read_these), read


def test_shapes_are_known_before_anything_is_read() -> None:
    weights, read = looked_into()
    assert weights.shapes == {"b": (3,), "c": (2,)} and read == []


def test_only_what_is_asked_for_is_read_under_its_name_in_the_file() -> None:
    weights, read = looked_into()
    assert torch.equal(weights.read(["b"])["b"], torch.zeros(3))
    assert read == ["module.b"]


def test_a_tensor_that_is_computed_is_made_from_those_that_it_needs() -> None:
    weights, read = looked_into()
    assert weights.read()["c"].tolist() == [3, 3]
    assert sorted(read) == sorted(FILE)


def test_a_name_that_is_not_there_is_refused() -> None:
    weights, _ = looked_into()
    with pytest.raises(InvalidCheckpoint, match="no tensor “d”"):
        weights.read(["b", "d"])
