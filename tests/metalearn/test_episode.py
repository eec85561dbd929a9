"""Episodes hold disjoint support and query images of their own classes."""

import pytest
import torch

from metalearn.episode import sample_episode
from metalearn.errors import InvalidData


def by_class(counts: list[int]) -> list[torch.Tensor]:
    """Every pixel of image i of class c is c * 20 + i."""
    return [
        (torch.arange(n) + 20 * c).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
        for c, n in enumerate(counts)
    ]


def draw(counts, seed=0, **sizes):
    rng = torch.Generator().manual_seed(seed)
    return sample_episode(by_class(counts), **sizes, rng=rng)


def test_support_and_query_share_no_image_and_labels_follow_classes():
    episode = draw([10, 10, 10], n_way=3, k_shot=2, n_query=5)
    support = (episode.support_images[:, 0, 0, 0] * 255).round().int()
    query = (episode.query_images[:, 0, 0, 0] * 255).round().int()
    assert len(set(support.tolist()) | set(query.tolist())) == 3 * 7
    for label in range(3):
        classes = set((support[episode.support_labels == label] // 20).tolist())
        classes |= set((query[episode.query_labels == label] // 20).tolist())
        assert len(classes) == 1


def test_classes_with_too_few_images_are_left_out():
    episode = draw([10, 1, 10], n_way=2, k_shot=1, n_query=3)
    shown = (episode.query_images[:, 0, 0, 0] * 255).round().int() // 20
    assert set(shown.tolist()) == {0, 2}


def test_too_few_classes_are_refused_with_the_numbers():
    with pytest.raises(InvalidData, match="2 classes with 4 images each.*only 1"):
        draw([10, 3], n_way=2, k_shot=1, n_query=3)


def test_the_same_generator_draws_the_same_episode():
    one, two, other = (draw([9, 9, 9], seed, n_way=2, k_shot=1, n_query=3) for seed in (1, 1, 2))
    assert torch.equal(one.query_images, two.query_images)
    assert not torch.equal(one.query_images, other.query_images)
