"""Every size of support set and every setting gives a classifier."""

import itertools

import pytest
import torch

from metalearn.meta_learner import AdaptationSettings, MetaLearner
from tests.metalearn.meta_learner.supports import CALIBRATIONS, HEADS, support_of


@pytest.mark.parametrize(("head", "head_init"), HEADS)
@pytest.mark.parametrize("calibrate", CALIBRATIONS)
@pytest.mark.parametrize(("n_way", "k_shot"), list(itertools.product([2, 5, 20], [1, 50])))
def test_any_number_of_classes_and_images_gives_probabilities(
    learner: MetaLearner, head: str, head_init: str, calibrate: str, n_way: int, k_shot: int
) -> None:
    settings = AdaptationSettings(
        head=head,
        head_init=head_init,
        calibrate=calibrate,
        inner_steps=2,
        inversion_steps=1,
        calibration_steps=1,
        pseudo_images=1,
        batch_size=40,
    )
    classifier = learner.adapt(*support_of([k_shot] * n_way), settings=settings)
    probabilities = classifier.probabilities(support_of([3] * n_way, seed=1)[0])
    assert classifier.n_way == n_way
    assert probabilities.shape == (3 * n_way, n_way)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(3 * n_way))
    assert not probabilities.requires_grad


@pytest.mark.parametrize(("head", "head_init"), [HEADS[0], HEADS[2]])
@pytest.mark.parametrize("calibrate", CALIBRATIONS)
@pytest.mark.parametrize("counts", [[1, 1, 1], [50, 1, 3], [1, 20]])
def test_classes_of_unlike_colours_are_told_apart_also_when_unbalanced(
    learner: MetaLearner, head: str, head_init: str, calibrate: str, counts: list[int]
) -> None:
    settings = AdaptationSettings(head=head, head_init=head_init, calibrate=calibrate)
    classifier = learner.adapt(*support_of(counts), settings=settings)
    images, labels = support_of([5] * len(counts), seed=3)
    assert (classifier.probabilities(images).argmax(1) == labels).float().mean() > 0.9


def test_the_learned_head_is_used_only_for_its_own_number_of_classes(
    learner: MetaLearner,
) -> None:
    settings = AdaptationSettings(head="sgd", inner_steps=0)
    images = support_of([1] * 5)[0]
    five = learner.adapt(*support_of([1] * 5), settings=settings)
    assert torch.equal(five.weights["head.weight"], learner.network.state_dict()["head.weight"])
    assert five.logits(images).shape == (5, 5)
    assert learner.adapt(*support_of([1] * 4), settings=settings).logits(images).shape == (5, 4)
