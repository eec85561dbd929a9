"""The ensemble holds the teachers as they are, and survives saving."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metalearn.algorithm import train
from metalearn.errors import InvalidCheckpoint, InvalidSetting
from metalearn.evaluation import EvaluationPlan, evaluate
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.pool import Pool
from metalearn.registry import make_algorithm

CPU = torch.device("cpu")


@pytest.fixture
def learner(tiny_pool: Pool) -> MetaLearner:
    return made(tiny_pool)


def made(pool: Pool, **settings: Any) -> MetaLearner:
    run = make_algorithm("teacher_ensemble", pool, settings, device=CPU, seed=0)
    assert [report.stage for report in train(run)] == ["assembly"]
    return run.meta_learner()


def pictures(n: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, 24, 24, generator=torch.Generator().manual_seed(seed))


def test_features_are_those_of_every_teacher(learner: MetaLearner, tiny_pool: Pool) -> None:
    features = learner.network.embed(pictures(4))
    start = 0
    for teacher in tiny_pool.teachers:
        own = teacher.network.embed(teacher.prepare(pictures(4)))
        part = features[:, start : start + own.shape[1]]
        assert torch.allclose(part, own / own.norm(dim=1, keepdim=True), atol=1e-5)
        start += own.shape[1]
    assert start == features.shape[1]


def test_only_the_first_members_take_part_when_their_number_is_given(tiny_pool: Pool) -> None:
    learner = made(tiny_pool, members=2)
    assert [record.name for record in learner.teachers] == ["a", "b"]
    assert learner.spec.width == 2
    assert learner.image_size == 16
    assert made(tiny_pool, members=9).spec.width == 3


def test_an_ensemble_of_one_is_refused(tiny_pool: Pool) -> None:
    with pytest.raises(InvalidSetting, match="at least 2 members"):
        made(tiny_pool, members=1)


@pytest.mark.parametrize("head", ["prototypes", "sgd"])
def test_a_saved_ensemble_adapts_as_before(learner: MetaLearner, tmp_path: Path, head: str) -> None:
    learner.save(tmp_path / "learner")
    again = MetaLearner.load(tmp_path / "learner")
    assert again.spec == learner.spec
    settings = AdaptationSettings(head=head, head_init="prototypes", inner_steps=2)
    labels = torch.tensor([0, 1, 0, 1])
    one, two = (
        kind.adapt(pictures(4), labels, settings=settings).probabilities(pictures(3, 1))
        for kind in (learner, again)
    )
    assert torch.equal(one, two)


def test_an_ensemble_can_be_evaluated_and_calibrated(learner: MetaLearner) -> None:
    classes = list(torch.rand(3, 8, 3, 20, 20, generator=torch.Generator().manual_seed(3)))
    plan = EvaluationPlan(n_way=2, k_shot=1, n_query=2, episodes=2)
    settings = AdaptationSettings(calibrate="icfil", inversion_steps=1, calibration_steps=1)
    assert 0 <= evaluate(learner, classes, plan, settings).accuracy <= 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec.update(members=[]), "must list 1 to"),
        (lambda spec: spec.update(members="all"), "must list 1 to"),
        (lambda spec: spec.update(width=2), "do not make the network"),
        (lambda spec: spec.pop("members"), "must list 1 to"),
        (lambda spec: spec["members"][0].update(architecture="ensemble"), "not a network"),
        (lambda spec: spec["members"][0].update(channels=1), "needs 1 numbers"),
        (lambda spec: spec["members"][1].update(width=10**9), "“width”"),
        (lambda spec: spec["members"][1].update(std=[1, 0, 1]), "“std”"),
        (lambda spec: spec["members"][1].update(width=5), "shape"),
        (lambda spec: spec["members"].append(spec["members"][0]), "do not make the network"),
    ],
)
def test_a_config_that_was_tampered_with_is_refused(
    learner: MetaLearner, tmp_path: Path, change: Callable[..., Any], message: str
) -> None:
    learner.save(tmp_path / "learner")
    file = tmp_path / "learner" / "config.json"
    config = json.loads(file.read_text())
    change(config["architecture"])
    file.write_text(json.dumps(config))
    with pytest.raises(InvalidCheckpoint, match=message):
        MetaLearner.load(tmp_path / "learner")


def test_no_consent_to_recovery_is_needed(make_teacher: Callable[..., Any]) -> None:
    made(Pool((make_teacher("a", consent_recovery=False), make_teacher("b"))))
