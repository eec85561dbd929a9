"""Accuracy over episodes: the numbers, the seeds, the JSON form."""

import json
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_hook

from metalearn.errors import InvalidData, InvalidSetting
from metalearn.evaluation import (
    EvaluationPlan,
    episode_accuracies,
    evaluate,
    summarise,
)
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import NetworkSpec, build_network


@pytest.fixture(scope="module")
def learner() -> MetaLearner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 4, 3, 16, 5))
        with torch.no_grad():
            network.train()(torch.randn(64, 3, 16, 16))
    return MetaLearner(network, mean=(0.5,) * 3, std=(0.25,) * 3)


def _classes(n_classes: int, *, noise: float) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    pictures = torch.rand(n_classes, 1, 3, 16, 16, generator=rng)
    noisy = pictures + noise * torch.randn(n_classes, 12, 3, 16, 16, generator=rng)
    return list((noisy.clamp(0, 1) * 255).byte())


def test_mean_and_interval_are_those_of_the_formula() -> None:
    plan = EvaluationPlan(n_way=5, k_shot=1, n_query=3, episodes=3)
    result = summarise([0.5, 0.7, 0.9], plan, AdaptationSettings())
    assert result.accuracy == pytest.approx(70)
    assert result.interval95 == pytest.approx(100 * 1.96 * 0.2 / math.sqrt(3))


def test_classes_that_look_alike_within_are_told_apart(learner: MetaLearner) -> None:
    plan = EvaluationPlan(n_way=3, k_shot=2, n_query=4, episodes=5)
    assert evaluate(learner, _classes(4, noise=0.02), plan).accuracy > 95


def test_images_of_pure_noise_are_told_apart_by_chance(learner: MetaLearner) -> None:
    rng = torch.Generator().manual_seed(0)
    noise = [torch.rand(12, 3, 16, 16, generator=rng) for _ in range(6)]
    result = evaluate(learner, noise, EvaluationPlan(n_way=4, k_shot=2, n_query=10, episodes=30))
    assert abs(result.accuracy - 25) < 3 * result.interval95


@pytest.mark.long
def test_the_same_plan_gives_the_same_accuracies_and_another_seed_others(
    learner: MetaLearner,
) -> None:
    classes = _classes(6, noise=0.8)
    plan = EvaluationPlan(n_way=3, k_shot=1, n_query=5, episodes=6, seed=1)
    settings = AdaptationSettings(calibrate="icfil", inversion_steps=1, calibration_steps=1)
    first = list(episode_accuracies(learner, classes, plan, settings))
    torch.rand(3)
    assert first == list(episode_accuracies(learner, classes, plan, settings))
    other = EvaluationPlan(n_way=3, k_shot=1, n_query=5, episodes=6, seed=2)
    assert first != list(episode_accuracies(learner, classes, other, settings))


def test_a_shorter_plan_gives_the_first_episodes_of_a_longer_one(learner: MetaLearner) -> None:
    classes = _classes(6, noise=0.8)
    long = episode_accuracies(learner, classes, EvaluationPlan(3, 1, 5, episodes=6))
    short = episode_accuracies(learner, classes, EvaluationPlan(3, 1, 5, episodes=3))
    assert list(long)[:3] == list(short)


def test_the_json_form_is_that_of_the_contract(learner: MetaLearner) -> None:
    plan = EvaluationPlan(n_way=3, k_shot=2, n_query=4, episodes=2)
    result = evaluate(learner, _classes(3, noise=0.1), plan).as_dict()
    assert json.loads(json.dumps(result)) == result
    assert {"accuracy", "interval95", "episodes", "way", "shot", "batchnorm"} <= set(result)
    assert (result["head"], result["calibrate"]) == ("prototypes", "none")


def test_plans_without_an_interval_or_an_episode_are_refused(learner: MetaLearner) -> None:
    with pytest.raises(InvalidSetting, match="at least 2 episodes"):
        EvaluationPlan(episodes=1)
    with pytest.raises(InvalidSetting, match="at least 2 classes"):
        EvaluationPlan(n_way=1)
    with pytest.raises(InvalidData, match="cannot be drawn"):
        evaluate(learner, _classes(3, noise=0.1), EvaluationPlan(n_way=4, k_shot=1, n_query=1))


def test_an_adaptation_that_runs_away_is_refused_and_not_counted_as_chance(
    learner: MetaLearner,
) -> None:
    wild = AdaptationSettings(head="sgd", inner_lr=10.0, inner_steps=50)
    plan = EvaluationPlan(n_way=2, k_shot=1, n_query=1, episodes=2)
    with pytest.raises(InvalidSetting, match="diverged"):
        evaluate(learner, _classes(3, noise=0.1), plan, wild)


@pytest.mark.parametrize("with_tracks", [False, True])
def test_keeping_the_features_of_pictures_changes_no_accuracy(
    learner: MetaLearner, with_tracks: bool
) -> None:
    classes = _classes(6, noise=0.8)
    tracks = [torch.arange(12) // 2 for _ in classes] if with_tracks else None
    plan = EvaluationPlan(n_way=3, k_shot=2, n_query=5, episodes=20)
    settings = AdaptationSettings()
    kept = list(episode_accuracies(learner, classes, plan, settings, tracks_by_class=tracks))
    again = episode_accuracies(
        learner, classes, plan, settings, tracks_by_class=tracks, keep_features=False
    )
    # Features from batches of other sizes differ by rounding, which may turn the nearest of calls.
    otherwise = sum(abs(one - two) for one, two in zip(kept, again, strict=True)) * 15
    assert otherwise == pytest.approx(0, abs=1.1)
    assert len(set(kept)) > 2


@pytest.mark.long
def test_each_picture_goes_through_the_network_once_and_only_where_that_is_right(
    learner: MetaLearner,
) -> None:
    classes = _classes(4, noise=0.5)
    plan = EvaluationPlan(n_way=3, k_shot=2, n_query=5, episodes=30)

    def pictures_seen(**changes: Any) -> int:
        seen = 0

        def count(module: torch.nn.Module, _inputs: object, output: Tensor) -> None:
            nonlocal seen
            if isinstance(module, torch.nn.Conv2d) and module.in_channels == 3:
                seen += len(output)

        with register_module_forward_hook(count):
            evaluate(learner, classes, plan, AdaptationSettings(**changes))
        return seen

    assert pictures_seen() == 4 * 12
    assert pictures_seen(batchnorm="transductive") == 30 * 3 * (2 + 5)


def test_more_support_pictures_than_an_adaptation_takes_are_refused(learner: MetaLearner) -> None:
    plan = EvaluationPlan(n_way=2, k_shot=51, n_query=1, episodes=2)
    with pytest.raises(InvalidData, match="at most 50"):
        evaluate(learner, _classes(2, noise=0.1), plan)
