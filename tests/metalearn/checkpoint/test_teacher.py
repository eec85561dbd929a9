"""Every check says what is wrong and how to fix it; what passes them all is a frozen teacher."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint import (
    fingerprint,
    make_teacher,
    read_checkpoint,
    write_safetensors,
)
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import build_network
from metalearn.pool import Teacher
from tests.metalearn.checkpoint.honest import SPECS, State, state_of

HEAD, MEAN, VAR = "head.weight", "blocks.0.norm.running_mean", "blocks.0.norm.running_var"


def test_a_teacher_computes_what_the_network_computed(
    teacher: Teacher, state: State, declaration: DeclaredFile
) -> None:
    network = build_network(SPECS[0]).eval()
    network.load_state_dict(state)
    images = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (declaration.mean, declaration.std))
    assert torch.allclose(teacher.logits(images), network((images - mean) / std), atol=1e-5)
    assert not any(p.requires_grad for p in teacher.network.parameters())
    assert teacher.sha256 == fingerprint(state)
    assert teacher.class_names == declaration.class_names


def test_counters_that_old_files_lack_start_at_zero(
    state: State, declaration: DeclaredFile
) -> None:
    old = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked")}
    teacher = make_teacher(old, declaration)
    assert teacher.network.state_dict()["blocks.0.norm.num_batches_tracked"] == 0


def test_making_a_teacher_leaves_global_randomness_alone(
    state: State, declaration: DeclaredFile
) -> None:
    before = torch.get_rng_state()
    make_teacher(state, declaration)
    assert torch.equal(torch.get_rng_state(), before)


def _without(name: str) -> Callable[[State], None]:
    return lambda state: state.__delitem__(name)


def _with(name: str, tensor: torch.Tensor) -> Callable[[State], None]:
    return lambda state: state.update({name: tensor})


def _first(name: str, value: float) -> Callable[[State], None]:
    def change(state: State) -> None:
        state[name].view(-1)[0] = value

    return change


DAMAGES = {
    "missing": (_without("blocks.2.conv.bias"), "“blocks.2.conv.bias” is missing"),
    "misshapen": (_with("blocks.1.conv.bias", torch.ones(9)), r"shape \[9\] instead of \[8\]"),
    "whole numbers": (_with("head.bias", torch.ones(5, dtype=torch.int64)), "dtype int64"),
    "truth values": (_with("head.bias", torch.ones(5, dtype=torch.bool)), "dtype bool"),
    "counter of truth values": (
        _with("blocks.0.norm.num_batches_tracked", torch.tensor(True)),
        "dtype bool",
    ),
    "NaN": (_first(HEAD, float("nan")), "NaN or infinite"),
    "infinity": (_first(MEAN, float("inf")), "NaN or infinite"),
    "too large for single precision": (
        _with("head.bias", torch.full((5,), 1e300, dtype=torch.float64)),
        "NaN or infinite",
    ),
    "negative variance": (_first(VAR, -0.1), "negative variances"),
    "absurd weights": (_first("head.bias", 1e30), "far too large"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_refused_by_name(
    damage: str, state: State, declaration: DeclaredFile
) -> None:
    change, says = DAMAGES[damage]
    change(state)
    with pytest.raises(InvalidCheckpoint, match=says):
        make_teacher(state, replace(declaration, architecture="conv4"))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "too few names": ({"class_names": ("a", "b")}, "5 outputs, but 2 class names"),
    "a name twice": ({"class_names": ("a", "b", "c", "d", "a")}, "same name"),
    "an empty name": ({"class_names": ("a", "b", "c", "d", " ")}, "class name"),
    "a long name": ({"class_names": ("a", "b", "c", "d", "e" * 201)}, "class name"),
    "an unprintable name": ({"class_names": ("a", "b", "c", "d", "\x1b[2J")}, "class name"),
    "other channels": ({"channels": 1}, "takes 3 channels, but 1"),
    "mean too short": ({"mean": (0.5,)}, "mean has 1 values for 3"),
    "std too long": ({"std": (0.5,) * 4}, "deviation has 4 values"),
    "mean that is no number": ({"mean": (0.5, float("nan"), 0.5)}, "ordinary numbers"),
    "immense mean": ({"mean": (0.5, 1e9, 0.5)}, "ordinary numbers"),
    "std of zero": ({"std": (0.5, 0.0, 0.5)}, "positive"),
    "no size": ({"image_size": 0}, "image size"),
    "immense size": ({"image_size": 10_000}, "image size"),
    "another size": ({"image_size": 84}, "another size, such as 32 pixels instead of 84"),
    "unknown architecture": ({"architecture": "perceptron"}, "no architecture “perceptron”"),
    "another architecture": ({"architecture": "resnet10"}, "architecture"),
    "another size, architecture given": (
        {"architecture": "conv4", "image_size": 84},
        "correct the image size",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_declaration_is_refused(
    wrong: str, state: State, declaration: DeclaredFile
) -> None:
    changes, says = WRONG[wrong]
    with pytest.raises(InvalidCheckpoint, match=says):
        make_teacher(state, replace(declaration, **changes))


def test_an_unknown_network_is_refused(declaration: DeclaredFile) -> None:
    with pytest.raises(InvalidCheckpoint, match="no classifier of timm, torchvision or Freehold"):
        make_teacher({"layer.weight": torch.ones(3, 3)}, declaration)


def test_a_network_of_two_channels_is_refused(declaration: DeclaredFile) -> None:
    two = state_of(replace(SPECS[0], channels=2))
    with pytest.raises(InvalidCheckpoint, match="takes 2 channels"):
        make_teacher(two, replace(declaration, channels=0))


def test_one_output_becomes_two_classes_that_decide_as_it_does(declaration: DeclaredFile) -> None:
    """A sigmoid over x says what a softmax over 0 and x says."""
    one = state_of(replace(SPECS[0], n_classes=1))
    teacher = make_teacher(one, replace(declaration, class_names=("no", "yes")))
    network = build_network(replace(SPECS[0], n_classes=1)).eval()
    network.load_state_dict(one)
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (teacher.mean, teacher.std))
    with torch.no_grad():
        logits, expected = teacher.logits(images), network((images - mean) / std)
    assert (logits[:, 0] == 0).all()
    torch.testing.assert_close(logits[:, 1], expected[:, 0])


def test_a_tensor_that_is_no_part_of_the_network_is_left_out(
    state: State, declaration: DeclaredFile
) -> None:
    whole = make_teacher(state, declaration)
    beside = {**state, "criterion.weight": torch.ones(5), "mean": torch.ones(3, 1, 1)}
    assert make_teacher(beside, declaration).sha256 == whole.sha256


def test_counters_that_averaging_made_fractions_are_whole_again(
    state: State, declaration: DeclaredFile
) -> None:
    state["blocks.0.norm.num_batches_tracked"] = torch.tensor(6.5)
    teacher = make_teacher(state, declaration)
    assert teacher.network.state_dict()["blocks.0.norm.num_batches_tracked"].item() == 6


def test_a_file_is_read_with_its_declaration(
    state: State, declaration: DeclaredFile, tmp_path: Path
) -> None:
    write_safetensors(state, tmp_path / "file", {})
    teacher = read_checkpoint(tmp_path / "file", replace(declaration, architecture="conv4"))
    assert teacher.network.spec == SPECS[0] and teacher.name == "small"
