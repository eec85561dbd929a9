"""Statistics of batch-norm mixed with the support set's: by hand, in parts, one picture alone."""

import pytest
import torch
from torch import Tensor, nn

from metalearn.learning.inner_loop import PureNetwork
from metalearn.learning.support_statistics import (
    NO_BATCHNORM,
    chunks_for_statistics,
    mixed_statistics,
    share_of,
    with_mirror_images,
)
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.networks import Network, NetworkSpec, build_network

SETTINGS = AdaptationSettings(calibrate="statistics")
LABELS = torch.arange(3).repeat(2)


class _Pixels(Network):
    """Its features are the pixels."""

    head_name = "head"

    def __init__(self) -> None:
        super().__init__()
        self.spec = NetworkSpec("pixels", 1, 3, 16, 3)
        self._modules["head"] = nn.Linear(self.feature_dim, 3)

    @property
    def feature_dim(self) -> int:
        return 3 * 16 * 16

    def embed(self, images: Tensor) -> Tensor:
        return images.flatten(1)


def _network() -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = build_network(NetworkSpec("conv4", 8, 3, 16, 3))
        with torch.no_grad():
            network.train()(torch.randn(64, 3, 16, 16))
    return network.eval()


def _images(n: int, seed: int = 1) -> Tensor:
    return torch.rand(n, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def _learner() -> MetaLearner:
    return MetaLearner(_network(), mean=(0.5,) * 3, std=(0.25,) * 3)


def test_the_first_layers_statistics_are_the_mixture_worked_out_by_hand() -> None:
    network, images = _network(), _images(6)
    pure = PureNetwork(network)
    mixed = mixed_statistics(pure, pure.weights(), [images], share=0.25)
    conv, norm = network.blocks[0].conv, network.blocks[0].norm
    given = torch.nn.functional.conv2d(images, conv.weight, conv.bias, padding=1)
    mean, var = given.mean((0, 2, 3)), given.var((0, 2, 3), unbiased=False)
    found = mixed["blocks.0.norm.running_mean"], mixed["blocks.0.norm.running_var"]
    torch.testing.assert_close(found[0], 0.75 * norm.running_mean + 0.25 * mean)
    torch.testing.assert_close(found[1], 0.75 * norm.running_var + 0.25 * var)
    assert len(mixed) == 8


def test_with_all_the_say_every_layer_sees_mean_0_and_variance_1_of_the_pictures() -> None:
    pure, images = PureNetwork(_network()), _images(12)
    mixed = mixed_statistics(pure, pure.weights(), [images], share=1.0)
    fitted, batch = pure.with_statistics(mixed), PureNetwork(_network(), batchnorm="transductive")
    expected = batch.features(pure.weights(), images)
    torch.testing.assert_close(fitted.features(pure.weights(), images), expected)


def test_the_first_layers_statistics_do_not_depend_on_how_pictures_are_split() -> None:
    pure, images = PureNetwork(_network()), 5 + _images(11)
    whole = mixed_statistics(pure, pure.weights(), [with_mirror_images(images)], share=0.5)
    chunks = chunks_for_statistics(images, 8)
    assert [len(chunk) for chunk in chunks] == [8, 8, 6]
    parts = mixed_statistics(pure, pure.weights(), chunks, share=0.5)
    for name in ("blocks.0.norm.running_mean", "blocks.0.norm.running_var"):
        torch.testing.assert_close(parts[name], whole[name], atol=1e-4, rtol=1e-4)


def test_pictures_sorted_by_class_are_spread_over_the_chunks() -> None:
    images = torch.arange(6.0).repeat_interleave(2)[:, None, None, None]
    for chunk in chunks_for_statistics(images, 12):
        assert sorted(set(chunk.flatten().tolist())) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_share_grows_with_the_pictures_unless_it_is_set() -> None:
    assert [share_of(n, 0.0) for n in (5, 25, 75)] == [1 / 6, 0.5, 0.75]
    assert share_of(5, 0.3) == 0.3


def test_mirror_images_are_added_behind_the_pictures() -> None:
    images = _images(2)
    both = with_mirror_images(images)
    assert torch.equal(both[:2], images)
    assert torch.equal(both[2:, ..., 0], images[..., -1])


@pytest.mark.parametrize("head", ["prototypes", "ridge", "sgd"])
def test_calibrated_answers_are_others_and_do_not_depend_on_other_questions(head: str) -> None:
    learner, support, queries = _learner(), _images(6), _images(9, seed=2)
    changed = AdaptationSettings(head=head, calibrate="statistics")
    plain = learner.adapt(support, LABELS, settings=AdaptationSettings(head=head))
    mixed = learner.adapt(support, LABELS, settings=changed)
    together = mixed.probabilities(queries)
    assert (together - plain.probabilities(queries)).abs().max() > 1e-4
    alone = torch.cat([mixed.probabilities(query[None]) for query in queries])
    torch.testing.assert_close(alone, together, atol=2e-6, rtol=0)


def test_without_batchnorm_nothing_happens_and_that_is_said() -> None:
    learner = MetaLearner(_Pixels(), mean=(0.5,) * 3, std=(0.25,) * 3)
    support, queries = _images(6), _images(3, seed=2)
    calibrated = learner.adapt(support, LABELS, settings=SETTINGS)
    assert calibrated.remarks == (NO_BATCHNORM,)
    plain = learner.adapt(support, LABELS)
    assert plain.remarks == ()
    assert torch.equal(calibrated.logits(queries), plain.logits(queries))
