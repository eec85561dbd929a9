"""Files with objects of all kinds beside their weights."""

from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.checkpoint.contents import Contents, open_contents

STATE = {"fc.weight": torch.ones(2, 3), "fc.bias": torch.ones(2)}


def save(folder: Path, protocol: int = 2, /, **beside: Any) -> Path:
    torch.save({"state_dict": STATE} | beside, folder / "file.pt", pickle_protocol=protocol)
    return folder / "file.pt"


def check(path: Path) -> Contents:
    with open_contents(path) as contents:
        tensors = contents.weights[0].read()
        assert all(torch.equal(tensors[name], tensor) for name, tensor in STATE.items())
        return contents


PROTOCOLS = pytest.mark.parametrize("protocol", [1, 2, 4, 5])


class Config:
    def __init__(self) -> None:
        self.model_name = "resnet18"
        self.classes = ["cat", "dog"]

    def listen(self) -> None:
        pass


def metric(value: float) -> float:
    return value
