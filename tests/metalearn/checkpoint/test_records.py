"""Objects of any class may lie beside the weights; what settings among them say is heard."""

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

from metalearn.checkpoint.contents import Contents, open_contents
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.borrowed import borrowed, filled

STATE = {"fc.weight": torch.ones(2, 3), "fc.bias": torch.ones(2)}
PROTOCOLS = pytest.mark.parametrize("protocol", [1, 2, 4, 5])


def save(folder: Path, protocol: int = 2, /, **beside: Any) -> Path:
    torch.save({"state_dict": STATE} | beside, folder / "file.pt", pickle_protocol=protocol)
    return folder / "file.pt"


def check(path: Path) -> Contents:
    with open_contents(path) as contents:
        tensors = contents.weights[0].read()
        assert all(torch.equal(tensors[name], tensor) for name, tensor in STATE.items())
        return contents


class Mode(enum.Enum):
    NEAREST = "nearest"


class Config:
    def __init__(self) -> None:
        self.model_name = "resnet18"
        self.classes = ["cat", "dog"]

    def listen(self) -> None:
        pass


class Slotted:
    __slots__ = ("arch",)

    def __init__(self) -> None:
        self.arch = "resnet18"


def metric(value: float) -> float:
    return value


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


@PROTOCOLS
def test_an_own_settings_object_is_heard(protocol: int, tmp_path: Path) -> None:
    said = check(save(tmp_path, protocol, cfg=Config())).said
    assert said.architectures == (("resnet18", "cfg.model_name"),)
    assert said.class_names == ("cat", "dog")


def test_settings_in_slots_are_heard(tmp_path: Path) -> None:
    said = check(save(tmp_path, 2, cfg=Slotted())).said
    assert said.architectures == (("resnet18", "cfg.arch"),)


def test_omegaconf_is_heard(tmp_path: Path) -> None:
    names = ("dictconfig.DictConfig", "listconfig.ListConfig", "nodes.AnyNode")
    with borrowed(*(f"omegaconf.{name}" for name in names)) as (dicts, lists, nodes):
        node = functools.partial(filled, nodes, _metadata=None)
        classes = filled(lists, _content=[node(_val="cat"), node(_val="dog")])
        inner = filled(dicts, _content={"name": node(_val="resnet18"), "classes": classes})
        root = filled(dicts, _content={"model": inner, "img_size": node(_val=224)})
        inner._parent = root
        said = check(save(tmp_path, 2, config=root)).said
    assert said.architectures == (("resnet18", "config.model.name"),)
    assert (said.class_names, said.image_size) == (("cat", "dog"), 224)


@pytest.mark.parametrize(
    "path",
    [
        "yacs.config.CfgNode",
        "easydict.EasyDict",
        "addict.addict.Dict",
        "mmengine.config.config.ConfigDict",
    ],
)
def test_dictionaries_of_other_classes_are_heard(path: str, tmp_path: Path) -> None:
    with borrowed(path, base=dict) as (kind,):
        value = kind(model=kind(name="resnet18"))
        value.__dict__["frozen"] = True
        said = check(save(tmp_path, 2, cfg=value)).said
    assert said.architectures == (("resnet18", "cfg.model.name"),)


def test_ml_collections_is_heard(tmp_path: Path) -> None:
    with borrowed("ml_collections.config_dict.config_dict.ConfigDict") as (kind,):
        value = filled(kind, _fields={"arch": "resnet18"}, _locked=True)
        said = check(save(tmp_path, 2, config=value)).said
    assert said.architectures == (("resnet18", "config.arch"),)


def test_lists_encoders_and_histories_of_other_libraries_are_left(tmp_path: Path) -> None:
    names = (
        "mmengine.logging.history_buffer.HistoryBuffer",
        "fastcore.foundation.L",
        "sklearn.preprocessing._label.LabelEncoder",
        "monai.transforms.compose.Compose",
    )
    with borrowed(*names) as (history, listed, encoder, transform):
        said = check(
            save(
                tmp_path,
                2,
                message_hub={"loss": filled(history, _log_history=np.ones(3))},
                tags=filled(listed, items=["a", "b"]),
                encoder=filled(encoder, classes_=np.array(["cat", "dog"])),
                transform=filled(transform, transforms=[1, metric]),
            )
        ).said
    assert said.class_names == ("cat", "dog")


def test_normalisation_in_transforms_is_heard(tmp_path: Path) -> None:
    path = "torchvision.transforms.transforms"
    with borrowed(f"{path}.Compose", f"{path}.Normalize") as (compose, normalise):
        inner = filled(normalise, mean=[0.5, 0.4, 0.3], std=[0.2, 0.2, 0.2])
        said = check(save(tmp_path, 2, transform=filled(compose, transforms=[inner]))).said
    assert (said.mean, said.std) == ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))


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
