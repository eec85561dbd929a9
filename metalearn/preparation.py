"""From pictures to what a network takes: its size and its normalisation."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from metalearn.shapes import Images


def prepare_images(
    images: Images, *, size: int, mean: Sequence[float], std: Sequence[float]
) -> Float[Tensor, "n channels {size} {size}"]:
    """Images in [0, 1], resized (differentiably) to size x size pixels and normalised."""
    if images.shape[-1] != size or images.shape[-2] != size:
        images = F.interpolate(
            images, size=(size, size), mode="bilinear", antialias=True, align_corners=False
        )
    return (images - per_channel(mean, images)) / per_channel(std, images)


def per_channel(values: Sequence[float], like: Tensor) -> Tensor:
    """One number a colour channel, shaped so that it can be added to images."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)
