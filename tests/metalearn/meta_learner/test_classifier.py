"""A classifier answers each picture by itself, unless told otherwise, and says when it cannot."""

import pytest
import torch

from metalearn.errors import InvalidData, InvalidSetting
from metalearn.meta_learner import AdaptationSettings, MetaLearner
from tests.metalearn.meta_learner.supports import CALIBRATIONS, HEADS, IMAGES, support_of


@pytest.mark.parametrize(("head", "head_init"), HEADS)
@pytest.mark.parametrize("calibrate", CALIBRATIONS)
def test_one_query_alone_gets_the_same_answer_as_in_a_batch_of_75(
    learner: MetaLearner, head: str, head_init: str, calibrate: str
) -> None:
    settings = AdaptationSettings(head=head, head_init=head_init, calibrate=calibrate)
    classifier = learner.adapt(*support_of([5] * 5), settings=settings)
    images = torch.rand(75, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    together = classifier.probabilities(images)
    alone = torch.cat([classifier.probabilities(image[None]) for image in images])
    torch.testing.assert_close(alone, together, atol=2e-6, rtol=0)


def test_transductive_answers_depend_on_the_other_queries(learner: MetaLearner) -> None:
    settings = AdaptationSettings(batchnorm="transductive")
    classifier = learner.adapt(*support_of([5] * 5), settings=settings)
    images = torch.rand(300, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    together = classifier.probabilities(images)
    assert (together[:10] - classifier.probabilities(images[:10])).abs().max() > 1e-4


def test_images_of_any_size_are_resized(learner: MetaLearner) -> None:
    classifier = learner.adapt(*support_of([2, 2, 2], size=37))
    images, labels = support_of([4, 4, 4], size=100, seed=1)
    assert (classifier.probabilities(images).argmax(1) == labels).float().mean() > 0.9


def test_settings_that_run_away_are_said_to_the_user(learner: MetaLearner) -> None:
    settings = AdaptationSettings(head="sgd", inner_lr=10.0, inner_steps=200)
    with pytest.raises(InvalidSetting, match="diverged"):
        learner.adapt(*support_of([2] * 5), settings=settings).probabilities(support_of([1] * 5)[0])


def test_a_query_of_other_channels_is_refused(learner: MetaLearner) -> None:
    classifier = learner.adapt(*support_of([2, 2]))
    with pytest.raises(InvalidData, match="3 colour channels"):
        classifier.probabilities(IMAGES[:, :2])
