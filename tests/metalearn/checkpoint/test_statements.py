"""What files say about their models, in the words of the scripts that wrote them."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from metalearn.checkpoint.contents import Statements, open_contents

STATE = {"fc.weight": torch.ones(2, 3), "fc.bias": torch.ones(2)}
ANIMALS = ("cat", "dog", "fox")


def said(folder: Path, **beside: Any) -> Statements:
    torch.save({"state_dict": STATE} | beside, folder / "file.pt")
    with open_contents(folder / "file.pt") as contents:
        return contents.said


@pytest.mark.parametrize(
    ("beside", "architectures"),
    [
        ({"arch": "resnet50"}, [("resnet50", "arch")]),
        ({"args": argparse.Namespace(model="resnet18")}, [("resnet18", "args.model")]),
        ({"args": {"arch": "vit_tiny"}}, [("vit_tiny", "args.arch")]),
        ({"args": argparse.Namespace(model_name="a")}, [("a", "args.model_name")]),
        ({"model_name": "resnet18"}, [("resnet18", "model_name")]),
        ({"architecture": "resnet18"}, [("resnet18", "architecture")]),
        ({"hyper_parameters": {"backbone": "r"}}, [("r", "hyper_parameters.backbone")]),
        ({"config": {"model": {"name": "swin"}}}, [("swin", "config.model.name")]),
        ({"cfg": {"model_type": "vit"}}, [("vit", "cfg.model_type")]),
        ({"opt": argparse.Namespace(net="vgg")}, [("vgg", "opt.net")]),
        (
            {"arch": "a", "pretrained_cfg": {"architecture": "b"}},
            [("b", "pretrained_cfg.architecture"), ("a", "arch")],
        ),
        (
            {"arch": "a", "args": argparse.Namespace(model="a")},
            [("a", "arch"), ("a", "args.model")],
        ),
        (
            {"config": {"architectures": ["ResNetForImageClassification"], "model_type": "resnet"}},
            [
                ("ResNetForImageClassification", "config.architectures"),
                ("resnet", "config.model_type"),
            ],
        ),
        ({"arch": 3, "model_name": "", "args": {"model": "a" * 999, "arch": "a\x1b"}}, []),
    ],
)
def test_names_of_architectures(
    tmp_path: Path, beside: dict[str, Any], architectures: list[tuple[str, str]]
) -> None:
    assert said(tmp_path, **beside).architectures == tuple(architectures)


@pytest.mark.parametrize(
    "beside",
    [
        {"class_to_idx": {"dog": 1, "cat": 0, "fox": 2}},
        {"class_to_idx": {"dog": np.int64(1), "cat": np.int64(0), "fox": np.int64(2)}},
        {"idx_to_class": {0: "cat", 2: "fox", 1: "dog"}},
        {"classes": list(ANIMALS)},
        {"classes": ANIMALS},
        {"classes": np.array(ANIMALS)},
        {"classes": np.array(ANIMALS).astype(">U9")},
        {"classes": np.array(ANIMALS, dtype=object)},
        {"classes": [np.str_(animal) for animal in ANIMALS]},
        {"meta": {"CLASSES": ANIMALS}},
        {"dataset_meta": {"classes": ANIMALS}},
        {"config": {"id2label": {"0": "cat", "1": "dog", "2": "fox"}}},
        {"label_names": list(ANIMALS)},
        {"labels": list(ANIMALS)},
        {"class_names": list(ANIMALS)},
        {"names": {0: "cat", 1: "dog", 2: "fox"}},
        {"hyper_parameters": {"classes": list(ANIMALS)}},
        {"classes": 3, "args": {"class_names": list(ANIMALS)}},
        {"labels": ["train", "val"], "num_classes": 3, "args": {"class_names": list(ANIMALS)}},
        {"id2label": {0: "LABEL_0", 1: "LABEL_1"}, "args": {"class_names": list(ANIMALS)}},
    ],
)
def test_names_of_classes(tmp_path: Path, beside: dict[str, Any]) -> None:
    assert said(tmp_path, **beside).class_names == ANIMALS


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "cat"],
        ["cat"],
        [],
        ["cat", 1],
        ["cat", ""],
        ["cat", "d\x00g"],
        {"cat": 0, "dog": 2},
        {"cat": 0, "dog": 0},
        {0: "cat", 2: "dog"},
        {0: "cat", "dog": 1},
        np.array([["cat", "dog"]]),
        np.array([1, 2]),
        "cat",
        None,
    ],
)
def test_what_is_no_full_list_of_classes_is_none(tmp_path: Path, names: Any) -> None:
    assert said(tmp_path, classes=names).class_names is None


@pytest.mark.parametrize(
    ("beside", "mean", "std"),
    [
        ({"args": {"mean": [0.5, 0.4, 0.3], "std": (0.2, 0.2, 0.25)}}, 0.5, 0.2),
        ({"mean": [127.5, 127.5, 127.5], "std": [51, 51, 51]}, 0.5, 0.2),
        ({"pretrained_cfg": {"mean": (0.5,), "std": (0.2,)}}, 0.5, 0.2),
        ({"mean": np.array([0.5, 0.5, 0.5]), "std": np.array([0.2, 0.2, 0.2])}, 0.5, 0.2),
        ({"config": {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.2, 0.2, 0.2]}}, 0.5, 0.2),
        ({"mean": [0.5, 0.5, 0.5]}, None, None),
        ({"mean": [0.5, 0.5], "std": [0.5, 0.5]}, None, None),
        ({"mean": "abc", "std": "abc"}, None, None),
        ({"mean": [0.5, 0.5, 0.5], "std": [0, 0, 0]}, None, None),
    ],
)
def test_normalisation(
    tmp_path: Path, beside: dict[str, Any], mean: float | None, std: float | None
) -> None:
    told = said(tmp_path, **beside)
    assert (told.mean and told.mean[0], told.std and told.std[0]) == (mean, std)


@pytest.mark.parametrize(
    ("beside", "size"),
    [
        ({"args": argparse.Namespace(img_size=160)}, 160),
        ({"image_size": 224}, 224),
        ({"pretrained_cfg": {"input_size": (3, 224, 224)}}, 224),
        ({"image_size": [96, 96]}, 96),
        ({"config": {"image_size": {"height": 64, "width": 64}}}, 64),
        ({"img_size": [96, 128]}, None),
        ({"img_size": True}, None),
        ({"img_size": -1}, None),
        ({"img_size": None}, None),
    ],
)
def test_the_size_of_pictures(tmp_path: Path, beside: dict[str, Any], size: int | None) -> None:
    assert said(tmp_path, **beside).image_size == size


def test_the_number_of_classes_and_the_licence(tmp_path: Path) -> None:
    told = said(tmp_path, args={"num_classes": 10, "license": "apache-2.0"})
    assert (told.n_classes, told.licence) == (10, "apache-2.0")


def test_settings_in_circles_and_in_great_depth_are_not_followed_for_ever(tmp_path: Path) -> None:
    circle: dict[str, Any] = {"arch": "resnet18"}
    circle["again"] = circle
    deep: dict[str, Any] = {"arch": "hidden"}
    for _ in range(200):
        deep = {"more": deep}
    wide = [{"x": index} for index in range(5_000)]
    assert said(tmp_path, a=circle, b=deep, c=wide).architectures == (("resnet18", "a.arch"),)
