"""Pictures and labels belong together, or the set is refused."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from metalearn.datasets import ImageSet
from metalearn.errors import InvalidData

LABELS = torch.tensor([0, 1, 0, 1])
IMAGES = torch.arange(4 * 3 * 4, dtype=torch.uint8).view(4, 3, 2, 2)


def image_set(labels: Tensor = LABELS, tracks: Tensor | None = None) -> ImageSet:
    return ImageSet(IMAGES, labels, ("cat", "dog"), tracks)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS[:3], "4 pictures but 3 labels"),
        (torch.tensor([0, 1, 2, 1]), "run from 0 to 2"),
        (torch.tensor([0, -1, 0, 1]), "run from -1 to 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Tensor, says: str) -> None:
    with pytest.raises(InvalidData, match=says):
        image_set(labels)


def test_tracks_for_some_pictures_and_an_empty_set_are_refused() -> None:
    with pytest.raises(InvalidData, match="but 2 tracks"):
        image_set(tracks=torch.tensor([1, 2]))
    with pytest.raises(InvalidData, match="no pictures"):
        replace(image_set(), images=IMAGES[:0], labels=LABELS[:0])


def test_pictures_and_tracks_come_by_class() -> None:
    data = image_set(tracks=torch.tensor([5, 6, 7, 8]))
    cats, dogs = data.by_class()
    assert torch.equal(cats, IMAGES[[0, 2]]) and torch.equal(dogs, IMAGES[[1, 3]])
    tracks = data.tracks_by_class()
    assert tracks is not None and [track.tolist() for track in tracks] == [[5, 7], [6, 8]]
    assert image_set().tracks_by_class() is None


def test_grey_is_the_weighted_mean_and_colour_of_grey_has_equal_channels() -> None:
    data = image_set()
    grey = data.with_channels(1)
    expected = (IMAGES[0, :, 0, 0].double() * torch.tensor([0.299, 0.587, 0.114])).sum().round()
    assert grey.images.shape == (4, 1, 2, 2)
    assert grey.images[0, 0, 0, 0] == expected
    again = grey.with_channels(3).images
    assert torch.equal(again[:, 0], again[:, 2])
    assert data.with_channels(3) is data
    with pytest.raises(InvalidData, match="1 or 3 channels, not 2"):
        data.with_channels(2)
