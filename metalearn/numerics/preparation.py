from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from metalearn.shapes import Images

MOST_PIXELS = 96
"""Largest height and width of drawn or recovered images; more costs much and shows little.

Networks with a larger input see them enlarged.
"""

_STATISTICS_PIXELS = 256 * 96**2


def statistics_batch(image_size: int) -> int:
    """Return the batch size for estimating a learner's batch-norm statistics."""
    return min(256, max(16, _STATISTICS_PIXELS // image_size**2))


def prepare_images(
    images: Images, *, size: int, mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "n channels {size} {size}"]:
    """Resize images in [0, 1] to size x size pixels (differentiably) and normalise them."""
    images = resized(images, size)
    return (images - per_channel(mean, images)) / per_channel(std, images)


def resized(images: Images, size: int) -> Float[Tensor, "n channels {size} {size}"]:
    """Resize to `size` x `size` pixels, differentiably. Images of that size are returned as is."""
    if images.shape[-1] == size and images.shape[-2] == size:
        return images
    return F.interpolate(
        images, size=(size, size), mode="bilinear", antialias=True, align_corners=False
    )


def per_channel(values: Sequence[float], like: Tensor) -> Tensor:
    """Return one number per colour channel, shaped (1, channels, 1, 1)."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
