"""Grafts: smoothly outlined regions of one image placed in another.

They put every kind of ground, object and texture next to every other.
"""

import torch
import torch.nn.functional as F

from metalearn.shapes import Images

SHARE = 0.5


def grafted(pictures: Images, rng: torch.Generator) -> Images:
    """Return the images (n, channels, size, size), half of them with a region of another one."""
    n, _, size, _ = pictures.shape
    others = pictures[torch.randperm(n, generator=rng)]
    nodes = int(torch.randint(2, 5, (), generator=rng))
    heights = torch.randn(n, 1, nodes, nodes, generator=rng)
    heights = F.interpolate(heights, size=(size, size), mode="bicubic", align_corners=True)
    level = 0.5 * torch.randn(n, 1, 1, 1, generator=rng)
    sharpness = torch.exp(1 + 3 * torch.rand(n, 1, 1, 1, generator=rng))
    mask = torch.sigmoid(sharpness * (heights + level))
    chosen = (torch.rand(n, 1, 1, 1, generator=rng) < SHARE).float()
    return torch.lerp(pictures, others, mask * chosen)
