"""Files of models with several heads: read as they are written, never by one head of several."""

from pathlib import Path
from typing import Any

import pytest
import torch

from contract.declared import DeclaredFile
from metalearn.checkpoint import read_checkpoint, write_checkpoint
from metalearn.checkpoint.recognition import AmbiguousCheckpoint, recognise
from metalearn.errors import InvalidCheckpoint
from metalearn.networks.libraries import timm, torchvision_models

DEIT = "timm/deit_tiny_distilled_patch16_224"
SHARED = "timm/efficientformerv2_s0"


def shapes_of(name: str, n_classes: int = 5) -> dict[str, tuple[Any, ...]]:
    library, _, builder = name.partition("/")
    with torch.device("meta"):
        if library == "timm":
            model = timm().create_model(builder, num_classes=n_classes)
        else:
            model = torchvision_models().get_model(builder, num_classes=n_classes)
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    "name",
    [
        DEIT, SHARED, "timm/crossvit_tiny_240", "timm/levit_conv_128s", "timm/repvit_m0_9",
        "timm/efficientvim_m1_dist", "timm/volo_d1_224", "timm/resnet50_clip",
        "torchvision/squeezenet1_0",
    ],
)  # fmt: skip
@pytest.mark.parametrize(("prefix", "n_classes"), [("", 5), ("model.net.", 192)])
def test_tensors_alone_tell_it_with_any_number_of_classes_and_under_a_prefix(
    name: str, prefix: str, n_classes: int
) -> None:
    shapes = {prefix + key: shape for key, shape in shapes_of(name, n_classes).items()}
    found = recognise(shapes)
    assert name in found.candidates and found.match.spec.n_classes == n_classes
    assert found.match.left_out == ()


@pytest.mark.parametrize("name", [DEIT, SHARED])
def test_heads_of_different_classes_are_refused(name: str) -> None:
    other = {"head_dist.weight": (7, shapes_of(name)["head.weight"][1]), "head_dist.bias": (7,)}
    shapes = {**shapes_of(name), **other}
    said = [(name.partition("/")[2], "arch")]
    with pytest.raises(InvalidCheckpoint, match="for 5 and 7 classes") as refusal:
        recognise(shapes, said=said)
    assert "joint_head" not in str(refusal.value)
    with pytest.raises(InvalidCheckpoint, match="for 5 and 7 classes"):
        recognise(shapes, chosen=name)
    with pytest.raises(InvalidCheckpoint, match="match no classifier"):
        recognise(shapes)


def test_a_distilled_model_without_its_second_head_is_told_what_is_missing() -> None:
    shapes = {n: s for n, s in shapes_of(DEIT).items() if not n.startswith("head_dist")}
    with pytest.raises(InvalidCheckpoint, match="“head_dist.weight” and 1 more is missing"):
        recognise(shapes, chosen=DEIT)
    with pytest.raises(InvalidCheckpoint):
        recognise(shapes)


def test_a_model_that_gives_both_heads_the_same_features_may_have_one() -> None:
    """Trained without distillation; its logits then are that head's."""
    shapes = {n: s for n, s in shapes_of(SHARED).items() if not n.startswith("head_dist")}
    assert recognise(shapes).match.names["joint_head.weight"] == "head.weight"


def test_a_head_beside_the_two_is_asked_about() -> None:
    shapes = {**shapes_of(DEIT), "extra.weight": (5, 192), "extra.bias": (5,)}
    with pytest.raises(AmbiguousCheckpoint, match="“extra"):
        recognise(shapes)


@pytest.mark.parametrize("name", [DEIT, SHARED, "timm/efficientvim_m1"])
@pytest.mark.parametrize("n_classes", [1, 3])
def test_what_is_stored_reads_again_as_the_same_model(
    name: str, n_classes: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = timm().create_model(name.partition("/")[2], num_classes=n_classes).eval()
    with torch.no_grad():
        for key, tensor in model.state_dict().items():
            if "head" in key and tensor.dtype.is_floating_point:
                tensor.add_(torch.rand_like(tensor))
    torch.save(model.state_dict(), tmp_path / "model.pt")
    classes = ("a", "b", "c")[: max(n_classes, 2)]
    declared = DeclaredFile(224, (0.0,) * 3, (1.0,) * 3, classes)
    teacher = read_checkpoint(tmp_path / "model.pt", declared)
    write_checkpoint(teacher, tmp_path / "stored.safetensors")
    again = read_checkpoint(tmp_path / "stored.safetensors", declared)
    assert again.sha256 == teacher.sha256
    assert again.network.spec == teacher.network.spec
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        expected, found = model(images), teacher.logits(images)
        assert torch.equal(again.logits(images), found)
    torch.testing.assert_close(found[:, -n_classes:], expected, rtol=1e-4, atol=1e-5)
