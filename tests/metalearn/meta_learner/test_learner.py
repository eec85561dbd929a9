"""Adaptation of a meta-learner: every size of support set, every setting, no side effects."""

import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from metalearn.errors import InvalidData, InvalidSetting
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from metalearn.meta_learner.support import draw_batch, images_at_once

HEADS = [("prototypes", "learned"), ("sgd", "learned"), ("sgd", "prototypes")]
CALIBRATIONS = ["none", "icfil"]


def _support(counts: list[int], *, size: int = 16, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Classes of different colours with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    colours = torch.rand(20, 3, generator=torch.Generator().manual_seed(99))
    colours[:3] = 0.1 + 0.8 * torch.eye(3)
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    images = colours[labels][:, :, None, None].expand(-1, -1, size, size)
    return (images + 0.05 * torch.randn(images.shape, generator=rng)).clamp(0, 1), labels


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
    classifier = learner.adapt(*_support([k_shot] * n_way), settings=settings)
    probabilities = classifier.probabilities(_support([3] * n_way, seed=1)[0])
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
    classifier = learner.adapt(*_support(counts), settings=settings)
    images, labels = _support([5] * len(counts), seed=3)
    assert (classifier.probabilities(images).argmax(1) == labels).float().mean() > 0.9


@pytest.mark.parametrize(("head", "head_init"), HEADS)
@pytest.mark.parametrize("calibrate", CALIBRATIONS)
def test_one_query_alone_gets_the_same_answer_as_in_a_batch_of_75(
    learner: MetaLearner, head: str, head_init: str, calibrate: str
) -> None:
    settings = AdaptationSettings(head=head, head_init=head_init, calibrate=calibrate)
    classifier = learner.adapt(*_support([5] * 5), settings=settings)
    images = torch.rand(75, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    together = classifier.probabilities(images)
    alone = torch.cat([classifier.probabilities(image[None]) for image in images])
    torch.testing.assert_close(alone, together, atol=2e-6, rtol=0)


def test_transductive_answers_depend_on_the_other_queries(learner: MetaLearner) -> None:
    settings = AdaptationSettings(batchnorm="transductive")
    classifier = learner.adapt(*_support([5] * 5), settings=settings)
    images = torch.rand(300, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    together = classifier.probabilities(images)
    assert (together[:10] - classifier.probabilities(images[:10])).abs().max() > 1e-4


@pytest.mark.parametrize("head", ["sgd", "prototypes"])
def test_the_same_seed_gives_the_same_classifier_and_global_randomness_is_left_alone(
    learner: MetaLearner, head: str
) -> None:
    settings = AdaptationSettings(head=head, calibrate="icfil", batch_size=20)
    support, query = _support([9] * 4), torch.rand(6, 3, 16, 16)
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
        learner.adapt(*_support([2] * 3), settings=settings)
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


def test_images_of_any_size_are_resized(learner: MetaLearner) -> None:
    classifier = learner.adapt(*_support([2, 2, 2], size=37))
    images, labels = _support([4, 4, 4], size=100, seed=1)
    assert (classifier.probabilities(images).argmax(1) == labels).float().mean() > 0.9


def test_the_learned_head_is_used_only_for_its_own_number_of_classes(
    learner: MetaLearner,
) -> None:
    settings = AdaptationSettings(head="sgd", inner_steps=0)
    images = _support([1] * 5)[0]
    five = learner.adapt(*_support([1] * 5), settings=settings)
    assert torch.equal(five.weights["head.weight"], learner.network.state_dict()["head.weight"])
    assert five.logits(images).shape == (5, 5)
    assert learner.adapt(*_support([1] * 4), settings=settings).logits(images).shape == (5, 4)


def test_settings_that_run_away_are_said_to_the_user(learner: MetaLearner) -> None:
    settings = AdaptationSettings(head="sgd", inner_lr=10.0, inner_steps=200)
    with pytest.raises(InvalidSetting, match="diverged"):
        learner.adapt(*_support([2] * 5), settings=settings).probabilities(_support([1] * 5)[0])


IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (IMAGES[:, :1], torch.tensor([0, 0, 1, 1]), "3 colour channels"),
        (IMAGES[0], torch.tensor([0, 0, 1]), "3 colour channels"),
        (IMAGES[:, :, :0], torch.tensor([0, 0, 1, 1]), "3 colour channels"),
        (IMAGES, torch.tensor([0, 0, 2, 2]), "Class 1 has no support picture"),
        (IMAGES, torch.tensor([-1, 0, 1, 1]), "count from 0"),
        (IMAGES, torch.tensor([0, 1]), "one whole-number label for each"),
        (IMAGES, torch.tensor([0.0, 0.0, 1.0, 1.0]), "one whole-number label for each"),
        (IMAGES, torch.tensor([0, 0, 0, 0]), "2 to 20 classes, not 1"),
        (IMAGES, torch.tensor([0, 1, 2, 20]), "2 to 20 classes, not 21"),
        (IMAGES[:0], torch.tensor([], dtype=torch.long), "empty"),
        (IMAGES * 255, torch.tensor([0, 0, 1, 1]), "from 0 to 1"),
        (IMAGES * torch.nan, torch.tensor([0, 0, 1, 1]), "from 0 to 1"),
        ((IMAGES * 255).byte(), torch.tensor([0, 0, 1, 1]), "floating-point"),
        (IMAGES.repeat(13, 1, 1, 1), torch.tensor([0] * 51 + [1]), "Class 0 has 51"),
    ],
)
def test_a_support_set_that_cannot_be_used_is_refused_with_a_reason(
    learner: MetaLearner, images: Tensor, labels: Tensor, sentence: str
) -> None:
    with pytest.raises(InvalidData, match=sentence):
        learner.adapt(images, labels)


def test_a_query_of_other_channels_is_refused(learner: MetaLearner) -> None:
    classifier = learner.adapt(*_support([2, 2]))
    with pytest.raises(InvalidData, match="3 colour channels"):
        classifier.probabilities(IMAGES[:, :2])


def test_settings_given_replace_the_defaults(learner: MetaLearner) -> None:
    support, query = _support([3] * 3), IMAGES
    default = learner.adapt(*support).logits(query)
    assert torch.equal(default, learner.adapt(*support, settings=learner.defaults).logits(query))
    other = replace(learner.defaults, temperature=3.0)
    torch.testing.assert_close(learner.adapt(*support, settings=other).logits(query), default / 10)


def test_a_batch_drawn_from_a_large_support_set_holds_every_class() -> None:
    labels = torch.tensor([0] * 50 + [1] + [2] * 50)
    rng = torch.Generator().manual_seed(0)
    for size in (3, 20):
        picks = draw_batch(labels, size, rng)
        assert len(picks) == len(set(picks.tolist())) == size
        assert set(labels[picks].tolist()) == {0, 1, 2}
    assert torch.equal(draw_batch(labels, 101, rng), torch.arange(101))


def test_large_images_go_through_the_network_in_smaller_numbers() -> None:
    assert images_at_once(32) == 256
    assert images_at_once(84) == 37
    assert images_at_once(10_000) == 1
