"""A small meta-learner whose batch-norm layers have seen images."""

from pathlib import Path

import pytest
import torch

from metalearn.meta_learner import AdaptationSettings, MetaLearner, TeacherRecord
from metalearn.networks import NetworkSpec, build_network


@pytest.fixture
def learner() -> MetaLearner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 4, 3, 16, 5))
        with torch.no_grad():
            for _ in range(5):
                network.train()(torch.randn(64, 3, 16, 16))
    return MetaLearner(
        network,
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.3, 0.25),
        defaults=AdaptationSettings(inner_steps=3, temperature=0.3),
        made_by={"algorithm": "free", "settings": {"outer_steps": 10}, "seed": 7},
        teachers=[TeacherRecord("Animals", "ada", "ab" * 32, "CC-BY-4.0", True)],
    )


@pytest.fixture
def saved(learner: MetaLearner, tmp_path: Path) -> Path:
    learner.save(tmp_path / "learner")
    return tmp_path / "learner"
