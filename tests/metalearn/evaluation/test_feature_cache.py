"""Features of pictures that are asked for once."""

import pytest
import torch
from torch import Tensor

from metalearn.errors import InvalidData, InvalidSetting
from metalearn.evaluation.feature_cache import FeatureCache
from metalearn.meta_learner import MetaLearner
from metalearn.networks import NetworkSpec, build_network
from metalearn.numerics.preparation import prepare_images


@pytest.fixture
def learner() -> MetaLearner:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 4, 3, 16, 5))
    return MetaLearner(network, mean=(0.5,) * 3, std=(0.25,) * 3)


@pytest.fixture
def classes() -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    return [(255 * torch.rand(6, 3, 24, 24, generator=rng)).byte() for _ in range(3)]


def test_features_come_in_the_order_asked_for_and_are_those_of_the_network(
    learner: MetaLearner, classes: list[Tensor]
) -> None:
    feature_cache = FeatureCache(learner, classes, precision="fp32")
    feature_cache.features([(1, torch.tensor([4, 0]))])
    found = feature_cache.features([(2, torch.tensor([5])), (1, torch.tensor([0, 3, 4]))])
    pictures = torch.stack([classes[2][5], classes[1][0], classes[1][3], classes[1][4]]).float()
    prepared = prepare_images(pictures / 255, size=16, mean=learner.mean, std=learner.std)
    torch.testing.assert_close(found, learner.network.embed(prepared))


def test_what_is_known_is_not_asked_again(learner: MetaLearner, classes: list[Tensor]) -> None:
    feature_cache = FeatureCache(learner, classes, precision="fp32")
    first = feature_cache.features([(0, torch.arange(6))])
    with torch.no_grad():
        learner.network.blocks[0].conv.weight.zero_()
    assert torch.equal(feature_cache.features([(0, torch.arange(6))]), first)


def test_features_that_are_not_numbers_are_refused(
    learner: MetaLearner, classes: list[Tensor]
) -> None:
    torch.nn.init.constant_(learner.network.blocks[0].conv.weight, float("nan"))
    with pytest.raises(InvalidSetting, match="features of an image are not finite"):
        FeatureCache(learner, classes, precision="fp32").features([(0, torch.arange(2))])


def test_pictures_out_of_range_are_refused(learner: MetaLearner) -> None:
    feature_cache = FeatureCache(learner, [2 * torch.ones(4, 3, 16, 16)], precision="fp32")
    with pytest.raises(InvalidData, match="from 0 to 1"):
        feature_cache.features([(0, torch.arange(2))])
