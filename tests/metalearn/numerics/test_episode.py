"""Episodes hold disjoint support and query images of their own classes."""

from typing import Any

import pytest
import torch

from metalearn.errors import InvalidData
from metalearn.numerics.episode import Episode, sample_episode


def by_class(counts: list[int]) -> list[torch.Tensor]:
    """Every pixel of image i of class c is c * 20 + i."""
    return [
        (torch.arange(n) + 20 * c).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
        for c, n in enumerate(counts)
    ]


def draw(counts: list[int], seed: int = 0, **sizes: Any) -> Episode:
    rng = torch.Generator().manual_seed(seed)
    return sample_episode(by_class(counts), **sizes, rng=rng)


def test_support_and_query_share_no_image_and_labels_follow_classes() -> None:
    episode = draw([10, 10, 10], n_way=3, k_shot=2, n_query=5)
    support = (episode.support_images[:, 0, 0, 0] * 255).round().int()
    query = (episode.query_images[:, 0, 0, 0] * 255).round().int()
    assert len(set(support.tolist()) | set(query.tolist())) == 3 * 7
    for label in range(3):
        classes = set((support[episode.support_labels == label] // 20).tolist())
        classes |= set((query[episode.query_labels == label] // 20).tolist())
        assert len(classes) == 1


def test_classes_with_too_few_images_are_left_out() -> None:
    episode = draw([10, 1, 10], n_way=2, k_shot=1, n_query=3)
    shown = (episode.query_images[:, 0, 0, 0] * 255).round().int() // 20
    assert set(shown.tolist()) == {0, 2}


def test_too_few_classes_are_refused_with_the_numbers() -> None:
    with pytest.raises(InvalidData, match="2 classes with 4 images each.*only 1"):
        draw([10, 3], n_way=2, k_shot=1, n_query=3)


def test_the_same_generator_draws_the_same_episode() -> None:
    one, two, other = (draw([9, 9, 9], seed, n_way=2, k_shot=1, n_query=3) for seed in (1, 1, 2))
    assert torch.equal(one.query_images, two.query_images)
    assert not torch.equal(one.query_images, other.query_images)


def test_support_and_query_are_never_of_the_same_track() -> None:
    # The value of an image is its track; frames of a track lie side by side.
    tracks = [torch.arange(12).repeat_interleave(4) for _ in range(3)]
    images = [t.float().view(-1, 1, 1, 1) / 100 for t in tracks]
    for seed in range(20):
        rng = torch.Generator().manual_seed(seed)
        episode = sample_episode(
            images, n_way=3, k_shot=5, n_query=15, rng=rng, tracks_by_class=tracks
        )
        for label in range(3):
            support = episode.support_images[episode.support_labels == label].flatten().tolist()
            query = episode.query_images[episode.query_labels == label].flatten().tolist()
            assert (len(support), len(query)) == (5, 15)
            assert not set(support) & set(query)


def test_few_large_tracks_are_dealt_out_to_support_and_query() -> None:
    # As pictures of three shelves: 22, 22 and 6 of each class.
    tracks = [torch.tensor([7] * 22 + [8] * 22 + [9] * 6) for _ in range(2)]
    images = [t.float().view(-1, 1, 1, 1) / 100 for t in tracks]
    supports = set()
    for seed in range(20):
        rng = torch.Generator().manual_seed(seed)
        episode = sample_episode(
            images, n_way=2, k_shot=5, n_query=15, rng=rng, tracks_by_class=tracks
        )
        for label in range(2):
            support = episode.support_images[episode.support_labels == label].unique()
            query = episode.query_images[episode.query_labels == label].unique()
            assert not set(support.tolist()) & set(query.tolist())
            supports.add(tuple((support * 100).round().int().tolist()))
    assert {(7,), (8,), (9,)} <= supports


def test_several_small_tracks_together_hold_the_support_if_a_large_one_cannot() -> None:
    # The large track has to give the queries.
    tracks = [torch.tensor([1] * 20 + [2] * 3 + [3] * 3)]
    images = [t.float().view(-1, 1, 1, 1) / 100 for t in tracks]
    episode = sample_episode(
        images, n_way=1, k_shot=5, n_query=15, rng=torch.Generator(), tracks_by_class=tracks
    )
    assert (episode.query_images * 100).round().unique().tolist() == [1]
    assert (episode.support_images * 100).round().unique().tolist() == [2, 3]


@pytest.mark.parametrize("sizes", [[48], [4, 44], [12, 12]])
def test_a_class_whose_tracks_cannot_be_apart_is_left_out(sizes: list[int]) -> None:
    odd = torch.repeat_interleave(torch.tensor(sizes))
    tracks = [torch.arange(12).repeat_interleave(4), odd]
    images = [torch.rand(len(each), 1, 2, 2) for each in tracks]
    with pytest.raises(InvalidData, match="only 1 classes have that many images on different"):
        sample_episode(
            images, n_way=2, k_shot=5, n_query=15, rng=torch.Generator(), tracks_by_class=tracks
        )


def test_without_tracks_the_draw_is_that_of_single_pictures() -> None:
    images = [torch.rand(20, 1, 2, 2) for _ in range(4)]
    tracks = [torch.arange(20)] * 4
    one, other = (
        sample_episode(
            images,
            n_way=2,
            k_shot=1,
            n_query=5,
            rng=torch.Generator().manual_seed(3),
            tracks_by_class=given,
        )
        for given in (None, tracks)
    )
    assert torch.equal(one.query_images, other.query_images)
