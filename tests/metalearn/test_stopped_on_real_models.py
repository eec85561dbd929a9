"""Stopped and resumed equals never stopped for models of 1,000 classes and 224 pixels."""

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.algorithm import train
from metalearn.networks import NetworkSpec, build_network, get_architecture
from metalearn.numerics.preparation import prepare_images
from metalearn.pool import Pool, Teacher
from metalearn.procedural import draw_pictures
from metalearn.registry import make_algorithm
from tests.contracts.test_every_algorithm import round_trip, same

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CPU = torch.device("cpu")
MODEL = "torchvision/mobilenet_v3_small"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MOST_MB = 4_096
RECOVERY = {
    "n_way": 5,
    "teachers_per_step": 2,
    "images_per_class": 4,
    "k_shot": 1,
    "n_query": 2,
    "merge_classes": False,
}
FREE = RECOVERY | {"warm_up_steps": 1, "outer_steps": 2, "replay_steps": 1, "generator_steps": 2}
SETTINGS: dict[str, dict[str, Any]] = {
    "free": FREE,
    "free_plus": FREE
    | {
        "alignment_images": 8,
        "teachers_asked": 2,
        "replay_alignments": 2,
    },
    "purer": RECOVERY
    | {
        "outer_steps": 4,
        "most_classes": 50,
        "episodes_per_step": 2,
        "curriculum_start": 0,
        "patience": 1,
    },
    "chorus": {
        "outer_steps": 2,
        "pictures_per_step": 32,
        "memory": 64,
        "updates_per_step": 1,
        "batch_size": 8,
        "components": 32,
        "learner": MODEL,
        "learner_image_size": 224,
    },
}


@pytest.fixture(scope="module")
def real_pool() -> Pool:
    """Two networks with random weights whose batch-norm has seen some pictures."""
    teachers = []
    for seed in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            width = get_architecture(MODEL).default_width
            network = build_network(NetworkSpec(MODEL, width, 3, 224, 1_000))
            network.train()
            rng = torch.Generator().manual_seed(seed)
            pictures = draw_pictures(32, size=48, mean=MEAN, std=STD, rng=rng)
            with torch.no_grad():
                for batch in torch.split(pictures, 8):
                    network(prepare_images(batch, size=224, mean=MEAN, std=STD))
        names = tuple(f"class {number}" for number in range(1_000))
        teachers.append(Teacher(f"model {seed}", network, MEAN, STD, names))
    return Pool(tuple(teachers))


def made(name: str, pool: Pool) -> Any:
    return make_algorithm(name, pool, SETTINGS[name], device=CPU, seed=0)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_run_stopped_in_the_middle_ends_with_the_weights_of_one_never_stopped(
    name: Any, real_pool: Pool
) -> None:
    whole = made(name, real_pool)
    for _ in train(whole):
        pass
    first = made(name, real_pool)
    for _ in itertools.islice(train(first), (whole.total_steps + 1) // 2):
        pass
    second = made(name, real_pool)
    assert second.fits(first.state_dict())
    second.load_state_dict(round_trip(first.state_dict()))
    for _ in train(second):
        pass
    same(whole, second)
    one, two = (run.meta_learner().network.state_dict() for run in (whole, second))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert all(weight.isfinite().all() for weight in one.values())
    if sys.platform == "linux":
        assert _peak_mb() < MOST_MB


def _peak_mb() -> float:
    """The most memory that this process had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1_024
