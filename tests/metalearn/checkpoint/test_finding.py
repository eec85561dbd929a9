"""Where in a training checkpoint the weights are, and what beside them is left out."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from metalearn.checkpoint import read_tensors
from metalearn.checkpoint.contents import LeftOut, open_contents
from metalearn.errors import InvalidCheckpoint

WEIGHT = torch.ones(2, 3)


def test_a_sparse_tensor_beside_the_weights_is_left_out(tmp_path: Path) -> None:
    torch.save({"fc.weight": WEIGHT, "mask": WEIGHT.to_sparse()}, tmp_path / "file")
    with open_contents(tmp_path / "file") as contents:
        assert contents.left_out[0] == LeftOut("mask", "a tensor of a special kind (sparse_tensor)")


def test_an_optimiser_alone_is_named(tmp_path: Path) -> None:
    weight = nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    weight.grad = torch.ones(3)
    optimiser.step()
    values: tuple[Any, ...] = (
        optimiser.state_dict(),
        {"optimizer": optimiser.state_dict(), "epoch": 3},
        {"optimizer_state_dict": optimiser.state_dict()},
    )
    for value in values:
        torch.save(value, tmp_path / "file")
        with pytest.raises(InvalidCheckpoint, match="state of an optimiser, but not the model"):
            read_tensors(tmp_path / "file")
