"""What settings beside the weights say is heard, in whatever library's objects they are."""

import functools
from pathlib import Path

import numpy as np
import pytest

from tests.metalearn.checkpoint.beside import PROTOCOLS, Config, check, metric, save
from tests.metalearn.checkpoint.borrowed import borrowed, filled


class Slotted:
    __slots__ = ("arch",)

    def __init__(self) -> None:
        self.arch = "resnet18"


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
