"""A small teacher to write, damage and read again."""

from typing import Any

import pytest

from contract.declared import DeclaredFile
from metalearn.checkpoint import make_teacher
from metalearn.pool import Teacher
from tests.metalearn.checkpoint.honest import SPECS, State, state_of
from tests.metalearn.checkpoint.shapes import torchvision_shapes


@pytest.fixture
def state() -> State:
    return state_of(SPECS[0])


@pytest.fixture
def declaration() -> DeclaredFile:
    return DeclaredFile(
        name="small",
        image_size=32,
        channels=3,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.2, 0.3),
        class_names=("cat", "dog", "fox", "hen", "owl"),
    )


@pytest.fixture
def teacher(state: State, declaration: DeclaredFile) -> Teacher:
    return make_teacher(state, declaration)


@pytest.fixture(scope="module")
def resnet18() -> dict[str, tuple[Any, ...]]:
    return torchvision_shapes("resnet18")
