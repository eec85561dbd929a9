"""The row of a model says what it is and where it is on its way."""

from collections.abc import Callable
from typing import Any


def test_a_row_keeps_the_family_of_its_architecture(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint(architecture="timm/resnet18")
    assert row.family == "resnet"
    row.architecture = "timm/vit_tiny_patch16_224"
    row.save()
    row.refresh_from_db()
    assert row.family == "vit"
