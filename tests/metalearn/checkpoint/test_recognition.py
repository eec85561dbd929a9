"""What a file says decides as far as its tensors agree; where nothing is said, people are asked."""

from typing import Any

import pytest
import torch

from metalearn.checkpoint.recognition import AmbiguousCheckpoint, known_names, recognise
from metalearn.errors import InvalidCheckpoint
from metalearn.networks import NetworkSpec, expected_shapes
from metalearn.networks.libraries import timm
from tests.metalearn.checkpoint.shapes import shapes_of, torchvision_shapes


def timm_shapes(name: str, n_classes: int = 5, **options: Any) -> dict[str, tuple[Any, ...]]:
    with torch.device("meta"):
        return shapes_of(timm().create_model(name, num_classes=n_classes, **options))


def test_twins_that_compute_different_things_are_asked_for(
    resnet18: dict[str, tuple[Any, ...]],
) -> None:
    """timm's resnetblur18 has the tensors of ResNet-18 and blurs between them."""
    with pytest.raises(AmbiguousCheckpoint, match="compute different things") as refusal:
        recognise(resnet18)
    assert "torchvision/resnet18" in refusal.value.candidates
    assert "timm/resnetblur18" in refusal.value.candidates


def test_twins_that_compute_the_same_need_no_question() -> None:
    found = recognise(torchvision_shapes("mobilenet_v3_small"))
    assert found.match.spec.architecture == "torchvision/mobilenet_v3_small"
    assert found.guessed and found.told_by == "tensors"


@pytest.mark.parametrize("name", ["resnetblur18", "timm/resnetblur18", "resnetblur18.a1_in1k"])
def test_a_name_in_the_file_decides(resnet18: dict[str, tuple[Any, ...]], name: str) -> None:
    found = recognise(resnet18, said=[(name, "arch")])
    assert found.match.spec.architecture == "timm/resnetblur18"
    assert not found.guessed and found.told_by == "arch"


def test_a_name_that_both_libraries_have_needs_no_question_where_they_compute_the_same(
    resnet18: dict[str, tuple[Any, ...]],
) -> None:
    found = recognise(resnet18, said=[("resnet18", "args.model")])
    assert {"torchvision/resnet18", "timm/resnet18"} <= set(found.candidates)


def test_a_file_is_never_read_as_another_architecture_than_it_says(
    resnet18: dict[str, tuple[Any, ...]],
) -> None:
    with pytest.raises(InvalidCheckpoint, match="calls itself “resnet34”.*is missing"):
        recognise(resnet18, said=[("resnet34", "arch")])
    with pytest.raises(AmbiguousCheckpoint, match="not a known architecture") as refusal:
        recognise(resnet18, said=[("my_own_net", "arch")])
    assert "torchvision/resnet18" in refusal.value.candidates


def test_a_choice_of_the_person_decides_as_far_as_the_tensors_agree(
    resnet18: dict[str, tuple[Any, ...]],
) -> None:
    assert recognise(resnet18, chosen="tv_resnet18").told_by == "chosen"
    with pytest.raises(InvalidCheckpoint, match="is not torchvision/resnet50"):
        recognise(resnet18, chosen="torchvision/resnet50")
    with pytest.raises(InvalidCheckpoint, match="no architecture “perceptron”"):
        recognise(resnet18, chosen="perceptron")


MORE: dict[str, dict[str, tuple[int, ...]]] = {
    "a layer of attention": {"attention.conv.weight": (512, 512, 1, 1)},
    "a neck": {"neck.weight": (512,), "neck.bias": (512,)},
    "a second head": {"head.weight": (9, 512), "head.bias": (9,)},
}


@pytest.mark.parametrize("more", MORE)
def test_a_network_with_a_layer_more_is_asked_about(
    resnet18: dict[str, tuple[Any, ...]], more: str
) -> None:
    shapes = {**resnet18, **MORE[more]}
    for said in ([("resnet18", "arch")], [("resnetblur18", "args.model")]):
        with pytest.raises(AmbiguousCheckpoint, match="may be a different network"):
            recognise(shapes, said=said)
    found = recognise(shapes, chosen="torchvision/resnet18")
    assert set(found.match.left_out) == set(MORE[more])


@pytest.mark.parametrize(
    "name",
    [
        "criterion.weight", "loss_fn.weight", "train_acc.total", "val_metrics.f1.tp", "mean", "std",
        "pixel_mean", "class_weights", "metrics.confmat", "AuxLogits.fc.weight", "aux1.fc2.bias",
    ],
)  # fmt: skip
def test_what_no_network_computes_with_needs_no_question(
    resnet18: dict[str, tuple[Any, ...]], name: str
) -> None:
    found = recognise({**resnet18, name: (5,)}, said=[("resnet18", "arch")])
    assert found.match.left_out == (name,)


@pytest.mark.parametrize("name", ["inception_v3", "googlenet"])
def test_second_classifiers_that_only_help_training_are_left_out(name: str) -> None:
    found = recognise(torchvision_shapes(name, init_weights=False))
    assert found.match.spec.architecture == f"torchvision/{name}"
    assert found.match.left_out
    assert all(tensor.lower().startswith("aux") for tensor in found.match.left_out)


@pytest.mark.parametrize("size", [224, 160, 384])
def test_the_size_is_read_from_the_table_of_positions(size: int) -> None:
    shapes = timm_shapes("vit_tiny_patch16_224", img_size=size)
    found = recognise(shapes, said=[("vit_tiny_patch16_224", "arch")])
    assert found.match.spec.image_size == size


def test_a_size_that_the_tensors_exclude_is_named_with_the_right_one() -> None:
    shapes = torchvision_shapes("vit_b_16")
    with pytest.raises(InvalidCheckpoint, match="such as 224 pixels instead of 32"):
        recognise(shapes, chosen="torchvision/vit_b_16", image_size=32)


def test_grey_networks_are_recognised() -> None:
    shapes = timm_shapes("convnext_atto", in_chans=1)
    assert recognise(shapes, said=[("convnext_atto", "arch")]).match.spec.channels == 1


def test_our_own_networks_are_recognised_at_any_width() -> None:
    for name, width in (("conv4", 13), ("resnet10", 24), ("resnet18", 16)):
        spec = NetworkSpec(name, width, 3, 32, 6)
        assert recognise(expected_shapes(spec)).match.spec == spec


@pytest.mark.parametrize("size", [0, -1, 10_000])
def test_an_impossible_size_is_refused(resnet18: dict[str, tuple[Any, ...]], size: int) -> None:
    with pytest.raises(InvalidCheckpoint, match="image size"):
        recognise(resnet18, chosen="torchvision/resnet18", image_size=size)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("resnet18", ("resnet18", "torchvision/resnet18", "timm/resnet18")),
        ("tv_resnet50", ("torchvision/resnet50", "timm/resnet50")),
        ("hf_hub:timm/vit_tiny_patch16_224.augreg_in21k", ("timm/vit_tiny_patch16_224",)),
        ("tf-efficientnet-lite0", ("timm/tf_efficientnet_lite0",)),
        ("ResNet-18", ("torchvision/resnet_18",)),
        ("conv4", ("conv4",)),
        ("../../etc/passwd", ()),
        ("", ()),
    ],
)
def test_names_are_understood_as_people_write_them(said: str, known: tuple[Any, ...]) -> None:
    found = known_names(said)
    assert found == known or (said == "ResNet-18" and found == ())
