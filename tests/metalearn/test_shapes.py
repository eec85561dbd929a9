"""The shapes that signatures state hold at every call of a test."""

import re
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

import metalearn
from metalearn.numerics.preparation import resized
from tests.shape_checks import COMPUTING

ROOT = Path(metalearn.__file__).parent


def test_a_tensor_of_another_shape_is_refused_in_tests() -> None:
    one_picture = torch.zeros(3, 8, 8)
    with pytest.raises(TypeCheckError, match="images"):
        resized(one_picture, 4)
    assert resized(one_picture[None], 4).shape == (1, 3, 4, 4)


def test_every_module_that_states_shapes_is_checked() -> None:
    states = re.compile(r"^from (metalearn\.shapes|jaxtyping) import", re.MULTILINE)
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in ROOT.rglob("*.py")
        if path.name != "shapes.py" and states.search(path.read_text(encoding="utf-8"))
    ]
    checked = tuple(f"{name}." for name in COMPUTING)
    assert len(modules) > 20
    assert [name for name in modules if not f"{name}.".startswith(checked)] == []
