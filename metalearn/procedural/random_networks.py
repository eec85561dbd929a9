"""Noise passed through networks with random weights: clouds, grain and blots at every scale.

After the untrained generators of Baradad et al. 2021, without StyleGAN's machinery.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from metalearn.procedural.canvas import Canvas, Plane

CHANNELS = 24
COARSEST = 4
PER_NETWORK = 16


def draw_random_networks(canvas: Canvas) -> Plane:
    planes = [
        _drawn(min(PER_NETWORK, canvas.n - start), canvas)
        for start in range(0, canvas.n, PER_NETWORK)
    ]
    return torch.cat(planes)


def _drawn(n: int, canvas: Canvas) -> Plane:
    rng = canvas.rng
    size = COARSEST
    maps = torch.randn(n, CHANNELS, size, size, generator=rng)
    while True:
        maps = _layer(maps, rng)
        if size >= canvas.size:
            break
        size = min(2 * size, canvas.size)
        maps = F.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)
    # The component common to all channels outweighs the channels' own.
    common = torch.randn(1, CHANNELS, 1, 1, generator=rng)
    own = 0.6 * torch.randn(canvas.channels, CHANNELS, 1, 1, generator=rng)
    plane = F.conv2d(maps, common + own)
    contrast = torch.exp(0.4 * torch.randn(n, 1, 1, 1, generator=rng))
    plane = 1.5 * torch.tanh(contrast * plane / plane.std((1, 2, 3), keepdim=True))
    return plane + 0.6 * torch.randn(n, 1, 1, 1, generator=rng)


def _layer(maps: Tensor, rng: torch.Generator) -> Tensor:
    kernel = 1.4 * torch.randn(CHANNELS, CHANNELS, 3, 3, generator=rng) / (9 * CHANNELS) ** 0.5
    maps = F.leaky_relu(F.conv2d(F.pad(maps, (1, 1, 1, 1), mode="reflect"), kernel), 0.1)
    strength = 0.25 * torch.rand(1, CHANNELS, 1, 1, generator=rng) ** 3
    maps = maps + strength * torch.randn(maps.shape, generator=rng)
    weight = torch.exp(0.5 * torch.randn(len(maps), CHANNELS, 1, 1, generator=rng))
    return F.instance_norm(maps) * weight
