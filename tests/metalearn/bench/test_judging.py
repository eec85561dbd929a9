from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from metalearn.bench import read_suite
from metalearn.bench.judging import Judge, Question
from metalearn.bench.materials import Packs
from metalearn.bench.suite import Judging
from metalearn.evaluation.few_shot import EvaluationPlan
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import NetworkSpec, build_network

ASKED = Question("noise", 1, "default", "none", "inductive")


@pytest.fixture
def judging(suite_file: Path) -> Judging:
    return read_suite(suite_file).judging


@pytest.fixture
def judge(suite_file: Path, judging: Judging) -> Judge:
    return Judge(judging, Packs(read_suite(suite_file).packs))


@pytest.fixture
def learner() -> MetaLearner:
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    defaults = AdaptationSettings(head="sgd", inner_steps=2)
    return MetaLearner(network, mean=(0.5,) * 3, std=(0.5,) * 3, defaults=defaults)


def test_every_head_calibration_and_batchnorm_is_asked_for(judge: Judge) -> None:
    judge.judging = replace(
        judge.judging, heads=("sgd", "prototypes"), calibrations=("none", "icfil"), shots=(1, 5)
    )
    questions = list(judge.questions(("p", "q")))
    assert len(questions) == len(set(questions)) == 2 * 2 * 2 * 2 * 2
    assert questions[0].batchnorm == "inductive"


def test_a_learner_keeps_its_own_head_unless_another_is_asked_for(
    judge: Judge, learner: MetaLearner
) -> None:
    assert judge.judge(learner, ASKED, 0).head == "sgd"
    other = replace(ASKED, head="prototypes", batchnorm="transductive", calibrate="icfil")
    result = judge.judge(learner, other, 0)
    assert (result.head, result.batchnorm, result.calibrate) == (
        "prototypes", "transductive", "icfil",
    )  # fmt: skip


def test_the_suites_settings_of_adaptation_take_the_place_of_the_learners(
    judge: Judge, learner: MetaLearner
) -> None:
    judge.judging = replace(judge.judging, adaptation={"inner_steps": 7, "head": "prototypes"})
    settings = judge._settings(learner, ASKED)
    assert settings.inner_steps == 7 and settings.head == "prototypes"


def test_seeds_have_episodes_of_their_own(
    judge: Judge, learner: MetaLearner, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = []

    def note(
        _learner: MetaLearner,
        _images: list[Tensor],
        plan: EvaluationPlan,
        *_rest: Any,
        **_others: Any,
    ) -> None:
        seeds.append(plan.seed)
        raise StopIteration

    monkeypatch.setattr("metalearn.bench.judging.evaluate", note)
    for seed in (0, 0, 1):
        with pytest.raises(StopIteration):
            judge.judge(learner, ASKED, seed)
    assert seeds[0] == seeds[1]
    # Further apart than an evaluation has episodes: each of them has its own seed after this one.
    assert seeds[2] - seeds[0] > 100_000
