"""What the owner leaves open comes from the file, else from what the architecture is made for."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from contract.declared import DeclaredFile
from metalearn.checkpoint.model import read_model
from metalearn.checkpoint.suggesting import NamesMissing, completed, imagenet_names
from metalearn.checkpoint.teacher import teacher_of
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec
from metalearn.networks.libraries import timm
from tests.metalearn.checkpoint.honest import state_of

OPEN = DeclaredFile(image_size=0, mean=(), std=(), class_names=())
SPEC = NetworkSpec("conv4", 8, 3, 32, 3)


def read(path: Path, value: object) -> tuple[DeclaredFile, dict[str, str]]:
    torch.save(value, path / "model.pt")
    return completed(read_model(path / "model.pt", DeclaredFile()), OPEN)


def lite(**options: Any) -> OrderedDict[str, Any]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return timm().create_model("tf_efficientnet_lite0", **options).state_dict()


def test_a_file_that_says_everything_needs_nothing_else(tmp_path: Path) -> None:
    said = {
        "state_dict": state_of(SPEC),
        "classes": ["cat", "dog", "emu"],
        "mean": [0.4, 0.5, 0.6],
        "std": [0.2, 0.2, 0.3],
        "arch": "conv4",
    }
    declared, sources = read(tmp_path, said)
    assert declared.class_names == ("cat", "dog", "emu") and declared.channels == 3
    assert (declared.mean, declared.std) == ((0.4, 0.5, 0.6), (0.2, 0.2, 0.3))
    assert declared.image_size == 32
    assert sources["class_names"] == sources["normalisation"] == "file"


def test_what_nothing_says_is_what_the_architecture_is_made_for(tmp_path: Path) -> None:
    value = {"arch": "tf_efficientnet_lite0", "model": lite(num_classes=2), "classes": ["a", "b"]}
    declared, sources = read(tmp_path, value)
    assert declared.image_size == 224 and declared.mean == (0.5, 0.5, 0.5)
    assert sources == {
        "image_size": "architecture", "normalisation": "architecture", "class_names": "file"
    }  # fmt: skip


def test_a_thousand_outputs_without_names_are_imagenets(tmp_path: Path) -> None:
    declared, sources = read(tmp_path, {"arch": "tf_efficientnet_lite0", "model": lite()})
    assert declared.class_names[954] == "banana" and sources["class_names"] == "imagenet"
    assert len(set(imagenet_names())) == 1_000


def test_other_classes_without_names_are_asked_for_with_all_the_rest(tmp_path: Path) -> None:
    with pytest.raises(NamesMissing, match="what its 3 classes are called") as refusal:
        read(tmp_path, {"arch": "conv4", "state_dict": state_of(SPEC)})
    assert refusal.value.rest.image_size == 32 and len(refusal.value.rest.mean) == 3


def test_names_of_another_number_of_classes_are_not_taken(tmp_path: Path) -> None:
    with pytest.raises(NamesMissing):
        read(tmp_path, {"classes": ["cat", "dog"], "state_dict": state_of(SPEC)})


def test_a_network_that_normalises_inside_is_normalised_once(tmp_path: Path) -> None:
    state = state_of(SPEC) | {
        "mean": torch.full((1, 3, 1, 1), 102.0),
        "std": torch.full((1, 3, 1, 1), 51.0),
    }
    torch.save(state, tmp_path / "model.pt")
    model = read_model(tmp_path / "model.pt", DeclaredFile())
    names = ("a", "b", "c")
    declared, _ = completed(model, DeclaredFile(0, (), (), names))
    assert declared.mean == pytest.approx((0.4,) * 3) and declared.std == pytest.approx((0.2,) * 3)
    assert teacher_of(model, declared).mean == declared.mean
    with pytest.raises(InvalidCheckpoint, match="normalises its images itself, with mean 0.4"):
        teacher_of(model, DeclaredFile(32, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), names))


def as_efficientnet_pytorch(state: OrderedDict[str, Any]) -> dict[str, Tensor]:
    """The same tensors under the names of the efficientnet_pytorch package."""
    stages = {0: 1, 1: 2, 2: 2, 3: 3, 4: 3, 5: 4, 6: 1}
    first = {stage: sum(n for s, n in stages.items() if s < stage) for stage in stages}
    inverted = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv",
                "bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2"}  # fmt: skip
    separable = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv",
                 "bn2": "_bn2"}  # fmt: skip
    outside = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head",
               "bn2": "_bn1", "classifier": "_fc"}  # fmt: skip
    renamed = {}
    for name, tensor in state.items():
        parts = name.split(".")
        if parts[0] == "blocks":
            layers = separable if parts[1] == "0" else inverted
            block = first[int(parts[1])] + int(parts[2])
            renamed[f"_blocks.{block}.{layers[parts[3]]}.{parts[4]}"] = tensor
        else:
            renamed[f"{outside[parts[0]]}.{parts[1]}"] = tensor
    return renamed


@pytest.mark.long
def test_efficientnets_of_another_library_are_read_as_what_computes_the_same(
    tmp_path: Path,
) -> None:
    state = lite(num_classes=3)
    torch.save(as_efficientnet_pytorch(state), tmp_path / "efficientnet-lite0-57934424.pth")
    model = read_model(tmp_path / "efficientnet-lite0-57934424.pth", DeclaredFile())
    assert model.spec.architecture == "timm/tf_efficientnet_lite0"
    assert not model.recognised.guessed
    assert set(model.tensors) == set(state)
    assert all(torch.equal(model.tensors[name], state[name]) for name in state)


def test_names_that_only_look_like_that_library_are_refused(tmp_path: Path) -> None:
    state = as_efficientnet_pytorch(lite(num_classes=3))
    state["_blocks.0._unknown.weight"] = torch.ones(3)
    torch.save(state, tmp_path / "model.pt")
    with pytest.raises(InvalidCheckpoint, match="no classifier"):
        read_model(tmp_path / "model.pt", DeclaredFile())
