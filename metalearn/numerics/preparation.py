"""From pictures to what a network takes: its size and its normalisation."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from metalearn.shapes import Images

MOST_PIXELS = 96
"""Height and width of pictures that we draw or recover: larger ones cost much and show little more.
Networks that take larger ones see them enlarged."""

_STATISTICS_PIXELS = 256 * 96**2


def statistics_batch(image_size: int) -> int:
    """Images that go through a learner together when its batch-norm statistics are estimated."""
    return min(256, max(16, _STATISTICS_PIXELS // image_size**2))


def prepare_images(
    images: Images, *, size: int, mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "n channels {size} {size}"]:
    """Images in [0, 1], resized (differentiably) to size x size pixels and normalised."""
    images = resized(images, size)
    return (images - per_channel(mean, images)) / per_channel(std, images)


def resized(images: Images, size: int) -> Float[Tensor, "n channels {size} {size}"]:
    """Images of size x size pixels, differentiably; those that have it already as they are."""
    if images.shape[-1] == size and images.shape[-2] == size:
        return images
    return F.interpolate(
        images, size=(size, size), mode="bilinear", antialias=True, align_corners=False
    )


def per_channel(values: Sequence[float], like: Tensor) -> Tensor:
    """One number a colour channel, shaped so that it can be added to images."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
