"""Support sets as tests make them."""

import torch
from torch import Tensor

HEADS = [("prototypes", "learned"), ("sgd", "learned"), ("sgd", "prototypes")]
CALIBRATIONS = ["none", "icfil"]


def support_of(counts: list[int], *, size: int = 16, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Classes of different colours with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    colours = torch.rand(20, 3, generator=torch.Generator().manual_seed(99))
    colours[:3] = 0.1 + 0.8 * torch.eye(3)
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    images = colours[labels][:, :, None, None].expand(-1, -1, size, size)
    return (images + 0.05 * torch.randn(images.shape, generator=rng)).clamp(0, 1), labels


IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
