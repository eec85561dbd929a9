"""A pool, a learner and pictures small enough to run every command for real."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from contract.declared import DeclaredFile
from metalearn.checkpoint import make_teacher, write_pool_entry
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import Network, NetworkSpec, build_network

SPEC = NetworkSpec("conv4", 4, 3, 16, 2)


def _network(seed: int) -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_network(SPEC)


@pytest.fixture(autouse=True)
def _graphs_once(graphs_once: None) -> None:
    """Every learner that is written here has the same ones."""


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    for index in range(3):
        declared = DeclaredFile(
            name=f"model_{index}",
            image_size=16,
            mean=(0.5,) * 3,
            std=(0.5,) * 3,
            class_names=("day", "night"),
        )
        write_pool_entry(tmp_path / "pool", make_teacher(_network(index).state_dict(), declared))
    return tmp_path / "pool"


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    MetaLearner(_network(7), mean=(0.5,) * 3, std=(0.5,) * 3, defaults=AdaptationSettings()).save(
        tmp_path / "learner"
    )
    return tmp_path / "learner"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Bright and dark noise."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 100, (40, 16, 16, 3), dtype=np.uint8)
    images[20:] += 150
    np.savez(
        tmp_path / "pack.npz",
        images=images,
        labels=np.repeat([0, 1], 20),
        class_names=np.array(["night", "day"]),
    )
    return tmp_path / "pack.npz"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for part in ("support", "query"):
        for name, value in (("night", 20), ("day", 230)):
            folder = tmp_path / part / name
            folder.mkdir(parents=True)
            for index in range(2):
                Image.new("RGB", (20, 20), (value + index,) * 3).save(folder / f"{index}.png")
    return tmp_path
