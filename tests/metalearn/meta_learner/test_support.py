"""What a support set must be, and how much of it a network sees at once."""

import pytest
import torch
from torch import Tensor

from metalearn.errors import InvalidData
from metalearn.meta_learner import MetaLearner
from metalearn.meta_learner.support import draw_batch, images_at_once
from tests.metalearn.meta_learner.supports import IMAGES


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
