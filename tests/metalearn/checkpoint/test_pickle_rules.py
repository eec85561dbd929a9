"""Objects of any class may be beside the weights; a call that would run something may not."""

import enum
import functools
import random
import re
from collections import deque
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import torch
from torch import nn

from metalearn.checkpoint.contents import open_contents
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.beside import PROTOCOLS, STATE, Config, check, metric, save
from tests.metalearn.checkpoint.borrowed import borrowed


class Mode(enum.Enum):
    NEAREST = "nearest"


@PROTOCOLS
@pytest.mark.parametrize(
    "value",
    [
        Mode.NEAREST,
        Config(),
        functools.partial(metric, 3),
        functools.partial(nn.functional.cross_entropy, label_smoothing=0.1),
        metric,
        Config,
        deque([1, 2], maxlen=3),
        Decimal("1.5"),
        UUID(int=3),
        range(3),
        slice(1, 2),
        complex(1, 2),
        np.array(["cat", "dog"]),
        np.array(["cat", None], dtype=object),
        np.random.default_rng(3),
        np.random.RandomState(3),  # noqa: NPY002
        nn.CrossEntropyLoss(),
        torch.optim.lr_scheduler.StepLR(torch.optim.SGD([nn.Parameter(torch.ones(1))]), 3),
        {Mode.NEAREST: 1, Config: 2, (3, 224, ("a",)): 3, torch.float32: 4},
        [Config.listen, Config().listen, len, random.Random(3), re.compile("a+")],
        {"nested": [Mode.NEAREST, (Config(), {Mode.NEAREST})]},
    ],
    ids=lambda value: type(value).__name__,
)
def test_objects_beside_the_weights_are_left_where_they_are(
    value: Any, protocol: int, tmp_path: Path
) -> None:
    if protocol < 2 and type(value).__name__ in {"Generator"}:
        pytest.skip("NumPy cannot write this")
    check(save(tmp_path, protocol, value=value))


def test_a_function_that_would_run_elsewhere_is_named(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return torch.hub.load, ("someone/something", "model")

    with pytest.raises(InvalidCheckpoint, match=r"would run the function “torch\.hub\.load”"):
        check(save(tmp_path, 2, value=Evil()))


def test_a_tensor_with_attributes_or_of_a_class_of_its_own_is_its_numbers(tmp_path: Path) -> None:
    class Picture(torch.Tensor):
        pass

    Picture.__module__, Picture.__qualname__ = "torchvision.tv_tensors._image", "Picture"
    tensor = torch.ones(3)
    tensor.origin = "here"  # type: ignore[attr-defined]
    with borrowed("torchvision.tv_tensors._image.Picture"):
        import sys

        sys.modules["torchvision.tv_tensors._image"].Picture = Picture  # type: ignore[attr-defined]
        state = STATE | {"a": tensor, "b": torch.ones(2).as_subclass(Picture)}
        torch.save(state, tmp_path / "file.pt")
    with open_contents(tmp_path / "file.pt") as contents:
        assert contents.weights[0].shapes["a"] == (3,)
        assert contents.weights[0].read(["b"])["b"].tolist() == [1, 1]
