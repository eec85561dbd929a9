"""Adapting changes nothing but what it returns, and the same seed gives the same."""

import itertools
from dataclasses import replace

import pytest
import torch

from metalearn.meta_learner import AdaptationSettings, MetaLearner
from tests.metalearn.meta_learner.supports import IMAGES, support_of


@pytest.mark.parametrize("head", ["sgd", "prototypes"])
def test_the_same_seed_gives_the_same_classifier_and_global_randomness_is_left_alone(
    learner: MetaLearner, head: str
) -> None:
    settings = AdaptationSettings(head=head, calibrate="icfil", batch_size=20)
    support, query = support_of([9] * 4), torch.rand(6, 3, 16, 16)
    state = torch.random.get_rng_state()
    first = learner.adapt(*support, settings=settings, seed=3).logits(query)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.rand(5)
    assert torch.equal(first, learner.adapt(*support, settings=settings, seed=3).logits(query))
    assert not torch.equal(first, learner.adapt(*support, settings=settings, seed=4).logits(query))


def test_adapting_never_changes_the_learner(learner: MetaLearner) -> None:
    before = {name: value.clone() for name, value in learner.network.state_dict().items()}
    for head, batchnorm in itertools.product(["sgd", "prototypes"], ["inductive", "transductive"]):
        settings = AdaptationSettings(head=head, batchnorm=batchnorm, calibrate="icfil")
        learner.adapt(*support_of([2] * 3), settings=settings)
    for name, value in learner.network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert not learner.network.training


def test_a_later_change_of_the_network_given_does_not_reach_the_learner(
    learner: MetaLearner,
) -> None:
    copy = MetaLearner(learner.network, mean=learner.mean, std=learner.std)
    with torch.no_grad():
        for parameter in learner.network.parameters():
            parameter.zero_()
    assert copy.network.state_dict()["head.weight"].abs().sum() > 0


def test_settings_given_replace_the_defaults(learner: MetaLearner) -> None:
    support, query = support_of([3] * 3), IMAGES
    default = learner.adapt(*support).logits(query)
    assert torch.equal(default, learner.adapt(*support, settings=learner.defaults).logits(query))
    other = replace(learner.defaults, temperature=3.0)
    torch.testing.assert_close(learner.adapt(*support, settings=other).logits(query), default / 10)
