"""Checks of support sets, and limits on how much a network processes at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from contract.limits import MAX_SHOT, MAX_WAY, MIN_WAY
from metalearn.errors import InvalidData

PIXELS_AT_ONCE = 256 * 32 * 32
"""Bounds the memory of a forward pass: 256 images of 32 pixels, 37 of 84."""


def images_at_once(image_size: int) -> int:
    return max(1, PIXELS_AT_ONCE // image_size**2)


def check_images(images: Tensor, channels: int) -> None:
    """Raise InvalidData unless these are pictures (n, channels, h, w) with values in [0, 1]."""
    if images.ndim != 4 or images.shape[1] != channels or 0 in images.shape[2:]:
        raise InvalidData(
            f"The pictures must have {channels} colour channels and the shape "
            f"(pictures, {channels}, height, width), not {tuple(images.shape)}."
        )
    if not images.is_floating_point():
        raise InvalidData("The pictures must be floating-point numbers from 0 to 1.")
    if images.numel() and not bool(((images >= 0) & (images <= 1)).all()):
        raise InvalidData("The pictures must hold finite values from 0 to 1.")


def check_support(images: Tensor, labels: Tensor, channels: int) -> int:
    """Return the number of classes; raise InvalidData if the support set is invalid."""
    check_images(images, channels)
    if labels.shape != (len(images),) or labels.is_floating_point():
        raise InvalidData("Give one whole-number label for each support picture.")
    if not len(labels):
        raise InvalidData("The support set is empty; add a picture of each class.")
    if int(labels.min()) < 0:
        raise InvalidData("Labels of the support set must count from 0.")
    # Check first, because bincount allocates as many counts as the highest label.
    check_way(int(labels.max()) + 1)
    counts = torch.bincount(labels.long()).tolist()
    check_shots(counts)
    return len(counts)


def check_way(n_way: int) -> None:
    if not MIN_WAY <= n_way <= MAX_WAY:
        raise InvalidData(f"Give {MIN_WAY} to {MAX_WAY} classes, not {n_way}.")


def check_shots(counts: Sequence[int]) -> None:
    if 0 in counts:
        raise InvalidData(
            f"Class {counts.index(0)} has no support picture; add one or leave the class out."
        )
    if max(counts) > MAX_SHOT:
        raise InvalidData(
            f"Class {counts.index(max(counts))} has {max(counts)} support pictures; "
            f"give at most {MAX_SHOT}."
        )


def draw_batch(labels: Tensor, batch_size: int, rng: torch.Generator) -> Tensor:
    """Return indices of at most `batch_size` support images, with every class among them.

    If they fit, all of them in order; otherwise one per class and the rest at random.
    """
    if len(labels) <= batch_size:
        return torch.arange(len(labels))
    order = torch.randperm(len(labels), generator=rng)
    shuffled = labels.cpu()[order]
    n_way = int(shuffled.max()) + 1
    first = torch.tensor([int((shuffled == c).nonzero()[0]) for c in range(n_way)])
    is_first = torch.zeros(len(labels), dtype=torch.bool)
    is_first[first] = True
    kept = torch.cat([order[is_first], order[~is_first]])[:batch_size]
    return kept.sort().values
