"""Synthetic few-shot tasks, made without data: every class is a coloured texture."""

import math

import torch
from torch import Tensor

from metalearn.numerics.episode import Episode, sample_episode
from metalearn.shapes import Images

N_WAVES = 4
"""Few waves, which gives a texture a recognisable direction and scale."""
LOWEST, HIGHEST = 1.0, 6.0
"""Range of a wave's periods per image."""


def texture_task(
    *,
    n_way: int,
    k_shot: int,
    n_query: int,
    channels: int,
    image_size: int,
    rng: torch.Generator,
) -> Episode:
    """Return an episode of `n_way` textures: images in [0, 1] of `image_size` pixels.

    Images of a class share the directions, scales and colours of its waves. They differ in the
    waves' phase and strength, in brightness and contrast, and in noise.
    """
    size = (channels, image_size)
    classes = [_texture(k_shot + n_query, size, rng) for _ in range(n_way)]
    return sample_episode(classes, n_way=n_way, k_shot=k_shot, n_query=n_query, rng=rng)


def _texture(n: int, size: tuple[int, int], rng: torch.Generator) -> Images:
    channels, side = size
    scale = LOWEST * (HIGHEST / LOWEST) ** torch.rand(N_WAVES, 1, 1, generator=rng)
    angle = math.pi * torch.rand(N_WAVES, 1, 1, generator=rng)
    colours = torch.randn(N_WAVES, channels, generator=rng)
    ground = 0.3 * torch.randn(channels, 1, 1, generator=rng)
    axis = torch.linspace(0, 1, side)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    place = 2 * math.pi * scale * (x * angle.cos() + y * angle.sin())
    phase = 2 * math.pi * torch.rand(n, N_WAVES, 1, 1, generator=rng)
    strength = torch.rand(n, N_WAVES, 1, 1, generator=rng)
    waves = torch.einsum("nwyx,wc->ncyx", strength * torch.sin(place + phase), colours)
    return _exposed(waves + ground, rng)


def _exposed(images: Tensor, rng: torch.Generator) -> Images:
    brightness, contrast = torch.rand(2, len(images), 1, 1, 1, generator=rng)
    noise = torch.randn(images.shape, generator=rng)
    mixed = (0.5 + contrast) * images + (brightness - 0.5) + 0.2 * noise
    return torch.sigmoid(mixed)
