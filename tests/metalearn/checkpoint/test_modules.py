"""Whole networks in a file: their tensors have the names that `state_dict()` gives them."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metalearn.checkpoint.contents import Contents, open_contents
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.borrowed import borrowed, filled


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)
        self.bn = nn.BatchNorm2d(2)
        self.layers = nn.ModuleList([nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3))])
        self.register_buffer("kept", torch.ones(2))
        self.register_buffer("temporary", torch.ones(2), persistent=False)
        self.register_parameter("nothing", None)

    def forward(self, image: Tensor) -> Tensor:
        features = self.bn(self.conv(image)).mean((2, 3)) * self.kept * self.temporary
        for layer in self.layers:
            features = layer(features)
        return features


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def look(path: Path, expected: dict[str, Tensor]) -> Contents:
    with open_contents(path) as contents:
        tensors = contents.weights[0].read()
        assert set(tensors) == set(expected)
        assert all(torch.equal(tensors[name], tensor) for name, tensor in expected.items())
        return contents


WRAPPERS: dict[str, Callable[[nn.Module], Any]] = {
    "alone": lambda net: net,
    "in a checkpoint": lambda net: {"epoch": 3, "model": net, "optimizer": {"state": {}}},
    "under another key": lambda net: {"network_object": net, "loss": 0.5},
    "parallel": nn.DataParallel,
    "Ultralytics after training": lambda net: {"model": None, "ema": net, "updates": 3},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("layout", ["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 4])
def test_whole_networks_give_their_state(
    wrapper: str, layout: str, protocol: int, net: Net, tmp_path: Path
) -> None:
    torch.save(
        WRAPPERS[wrapper](net),
        tmp_path / "file.pt",
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=layout == "zip",
    )
    contents = look(tmp_path / "file.pt", net.state_dict())
    assert contents.said.module_class == f"{Net.__module__}.Net"


def test_an_averaged_network_comes_before_the_one_it_was_made_of(net: Net, tmp_path: Path) -> None:
    average = torch.optim.swa_utils.AveragedModel(net)
    average.module.get_buffer("kept").add_(1)
    torch.save({"model": net, "model_ema": average}, tmp_path / "file.pt")
    contents = look(tmp_path / "file.pt", average.module.state_dict())
    assert [weights.kind for weights in contents.weights] == ["ema", "raw"]


def test_a_network_tells_what_it_was_made_for(net: Net, tmp_path: Path) -> None:
    net.pretrained_cfg = {  # type: ignore[assignment]
        "architecture": "resnet18",
        "input_size": (3, 224, 224),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.2, 0.2, 0.2),
        "num_classes": 3,
        "license": "apache-2.0",
    }
    net.names = {0: "cat", 1: "dog", 2: "fox"}  # type: ignore[assignment]
    net.conv.arch = "no name of the network"  # type: ignore[assignment]
    torch.save({"model": net}, tmp_path / "file.pt")
    said = look(tmp_path / "file.pt", net.state_dict()).said
    assert said.architectures == (("resnet18", "model.pretrained_cfg.architecture"),)
    assert said.class_names == ("cat", "dog", "fox")
    assert (said.image_size, said.n_classes, said.licence) == (224, 3, "apache-2.0")
    assert said.mean == (0.5, 0.5, 0.5)


def test_a_fastai_learner_gives_its_network_and_its_classes(net: Net, tmp_path: Path) -> None:
    names = ("learner.Learner", "data.core.DataLoaders", "data.transforms.CategoryMap")
    with borrowed(*(f"fastai.{name}" for name in names)) as (learner, loaders, category_map):
        vocab = filled(category_map, items=["cat", "dog"], sort=True)
        loader = filled(loaders, tfms=[{"vocab": vocab}])
        value = filled(learner, model=net, dls=loader, loss_func=nn.CrossEntropyLoss())
        torch.save(value, tmp_path / "export.pkl")
    said = look(tmp_path / "export.pkl", net.state_dict()).said
    assert said.class_names == ("cat", "dog")


@pytest.mark.parametrize("kind", ["script", "trace"])
def test_torchscript_gives_its_attributes(kind: str, net: Net, tmp_path: Path) -> None:
    image = torch.zeros(1, 1, 8, 8)
    program = torch.jit.script(net) if kind == "script" else torch.jit.trace(net, image)
    torch.jit.save(program, tmp_path / "file.pt")
    # A buffer that is not kept is an attribute like any other there.
    expected = net.state_dict() | {"temporary": net.temporary}
    said = look(tmp_path / "file.pt", expected).said
    assert said.module_class is not None and said.module_class.endswith("test_modules.Net")


def test_a_frozen_program_is_named(net: Net, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.freeze(torch.jit.script(net)), tmp_path / "file.pt")
    with pytest.raises(InvalidCheckpoint, match=r"as torch\.jit\.freeze makes"):
        look(tmp_path / "file.pt", {})


def test_an_exported_program_gives_its_weights(net: Net, tmp_path: Path) -> None:
    program = torch.export.export(net, (torch.zeros(1, 1, 8, 8),))
    torch.export.save(program, tmp_path / "file.pt2")
    expected = {n: t for n, t in net.state_dict().items() if n in program.state_dict}
    assert len(expected) > 8
    look(tmp_path / "file.pt2", expected)


def test_a_loss_with_weights_is_not_taken_for_the_network(net: Net, tmp_path: Path) -> None:
    loss = nn.CrossEntropyLoss(weight=torch.ones(3))
    torch.save({"model": net, "criterion": loss}, tmp_path / "file.pt")
    look(tmp_path / "file.pt", net.state_dict())


def test_an_object_without_tensors_is_named(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.ReLU()), tmp_path / "file.pt")
    with pytest.raises(InvalidCheckpoint, match=r"“torch\.nn\.modules\.container\.Sequential”"):
        look(tmp_path / "file.pt", {})
