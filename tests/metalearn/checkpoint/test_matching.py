"""Which architecture the tensors could be, whatever is beside them and whatever head they have."""

from typing import Any

import pytest

from metalearn.checkpoint.matching import find_matches, match_as
from metalearn.checkpoint.recognition import recognise
from metalearn.errors import InvalidCheckpoint
from tests.metalearn.checkpoint.shapes import without_head


@pytest.mark.parametrize(
    ("stem", "pool"), [((64, 3, 3, 3), "CIFAR's stem"), ((64, 3, 7, 7), "group norm")]
)
def test_what_only_resembles_a_network_is_not_taken_for_it(
    resnet18: dict[str, tuple[Any, ...]], stem: tuple[int, int, int, int], pool: str
) -> None:
    changed = {**resnet18, "conv1.weight": stem}
    if pool == "group norm":
        changed = {n: s for n, s in changed.items() if "running" not in n and "tracked" not in n}
    with pytest.raises(InvalidCheckpoint, match="is not torchvision/resnet18"):
        recognise(changed, chosen="torchvision/resnet18")
    assert find_matches(changed) == []


@pytest.mark.parametrize(
    "prefix", ["backbone.", "encoder.", "resnet.", "_model.", "0.", "1.", "student.net."]
)
def test_a_network_is_found_under_any_prefix(
    resnet18: dict[str, tuple[Any, ...]], prefix: str
) -> None:
    match = match_as({prefix + name: shape for name, shape in resnet18.items()}, "tv_resnet18")
    assert match is not None and match.names["fc.weight"] == f"{prefix}fc.weight"
    assert match.left_out == ()


HEADS: dict[str, dict[str, tuple[int, ...]]] = {
    "a dropout before it": {"fc.1.weight": (4, 512), "fc.1.bias": (4,)},
    "another name": {"classifier.weight": (4, 512), "classifier.bias": (4,)},
    "no bias": {"fc.weight": (4, 512)},
    "a convolution of 1x1": {"fc.weight": (4, 512, 1, 1), "fc.bias": (4,)},
}


@pytest.mark.parametrize("head", HEADS)
def test_a_head_of_the_persons_own_is_the_head(
    resnet18: dict[str, tuple[Any, ...]], head: str
) -> None:
    match = match_as({**without_head(resnet18), **HEADS[head]}, "torchvision/resnet18")
    assert match is not None and match.spec.n_classes == 4
    assert match.names["fc.weight"] == next(iter(HEADS[head]))


def test_backbone_and_head_side_by_side_are_one_network(
    resnet18: dict[str, tuple[Any, ...]],
) -> None:
    shapes = {f"backbone.{name}": shape for name, shape in without_head(resnet18).items()}
    match = match_as({**shapes, "head.weight": (9, 512), "head.bias": (9,)}, "torchvision/resnet18")
    assert match is not None and match.spec.n_classes == 9
    assert match.names["fc.weight"] == "head.weight"


def test_a_head_that_takes_other_features_is_no_head(resnet18: dict[str, tuple[Any, ...]]) -> None:
    shapes = {**without_head(resnet18), "fc.weight": (4, 100), "fc.bias": (4,)}
    assert match_as(shapes, "torchvision/resnet18") is None


def test_what_stands_beside_the_network_is_left_out_and_named(
    resnet18: dict[str, tuple[Any, ...]],
) -> None:
    beside = {"criterion.weight": (5,), "accuracy.total": (1,)}
    match = match_as({**resnet18, **beside}, "torchvision/resnet18")
    assert match is not None and set(match.left_out) == set(beside)
