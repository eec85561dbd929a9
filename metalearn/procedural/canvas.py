import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from metalearn.numerics.preparation import per_channel
from metalearn.shapes import Images

NATURAL_CORRELATION = 0.87
"""Correlation of neighbouring colour channels in photographs."""
REACH = 1.7
"""Colours are uniform within this many standard deviations, which gives them unit variance."""

Mask = Float[Tensor, "n 1 size size"]
Plane = Float[Tensor, "n channels size size"]
Number = Float[Tensor, "n 1 1 1"]


class Canvas:
    """`n` images that are drawn together. Colours are in standard deviations."""

    def __init__(self, n: int, size: int, channels: int, rng: torch.Generator) -> None:
        self.n, self.size, self.channels, self.rng = n, size, channels, rng
        axis = torch.linspace(-1, 1, size)
        self.y, self.x = torch.meshgrid(axis, axis, indexing="ij")
        self.photographic = self.uniform() < 0.5
        self._mixing = torch.linalg.cholesky(_correlation(channels))
        self._likeness = torch.where(self.photographic, 0.8 * self.uniform(), 0.0)
        self._ground = self._any_colour()
        noise = self._noise()
        self.texture = torch.where(self.photographic, self._mixed(noise), 0.5 * noise)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Number:
        return low + (high - low) * torch.rand(self.n, 1, 1, 1, generator=self.rng)

    def normal(self) -> Number:
        return torch.randn(self.n, 1, 1, 1, generator=self.rng)

    def chance(self, share: float) -> Number:
        """Return 1 for about this share of the images, 0 for the others."""
        return (self.uniform() < share).float()

    def colour(self) -> Float[Tensor, "n channels 1 1"]:
        """Return a colour per image that resembles the image's ground colour to some degree."""
        own = (1 - self._likeness).sqrt() * self._any_colour()
        return self._likeness.sqrt() * self._ground + own

    def another_texture(self) -> Plane:
        return self.texture[torch.randperm(self.n, generator=self.rng)]

    def finished(self, plane: Plane) -> Plane:
        blurred = F.avg_pool2d(F.pad(plane, (1, 1, 1, 1), mode="reflect"), 3, 1)
        return self._exposed(torch.lerp(plane, blurred, self.uniform()))

    @staticmethod
    def developed(plane: Plane, *, mean: tuple[float, ...], std: tuple[float, ...]) -> Images:
        return (plane * per_channel(std, plane) + per_channel(mean, plane)).clamp(0, 1)

    def _exposed(self, plane: Plane) -> Plane:
        """Restore the deviation of photographic images; give vivid ones a random contrast."""
        # Occlusion and blurring have reduced the spread of colours.
        deviation = plane[self.photographic.flatten()].std() if self.photographic.any() else 1.0
        middle = plane.mean((1, 2, 3), keepdim=True)
        vivid = torch.lerp(middle, plane, torch.exp(0.25 * self.normal())) + 0.2 * self.normal()
        return torch.where(self.photographic, plane / deviation, vivid)

    def _any_colour(self) -> Float[Tensor, "n channels 1 1"]:
        colours = REACH * (2 * torch.rand(self.n, self.channels, 1, 1, generator=self.rng) - 1)
        grey = REACH * self.uniform(-1, 1)
        vivid = torch.lerp(grey, colours, self.uniform())
        return torch.where(self.photographic, self._mixed(colours), vivid)

    def _mixed(self, colours: Tensor) -> Tensor:
        return torch.einsum("ij,njhw->nihw", self._mixing, colours)

    def _noise(self) -> Plane:
        """Return noise with a power-law spectrum, often anisotropic."""
        down = torch.fft.fftfreq(self.size).view(-1, 1)
        right = torch.fft.rfftfreq(self.size).view(1, -1)
        angle, stretch = self.uniform(0, math.pi), torch.exp(0.7 * self.normal())
        along, across = turned(right, down, angle)
        frequency = ((along * stretch).square() + (across / stretch).square()).sqrt()
        frequency[..., 0, 0] = 1.0
        amplitude = frequency ** -self.uniform(0.5, 2.5)
        amplitude[..., 0, 0] = 0.0
        shape = (self.n, self.channels, self.size, self.size // 2 + 1)
        phase = 2 * math.pi * torch.rand(shape, generator=self.rng)
        waves = torch.fft.irfft2(
            torch.polar(amplitude.expand(shape), phase), s=(self.size, self.size)
        )
        noise: Tensor = waves / (waves.std(dim=(1, 2, 3), keepdim=True) + 1e-6)
        return noise


def turned(x: Tensor, y: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """Return coordinates in a frame rotated by this angle (radians)."""
    cos, sin = angle.cos(), angle.sin()
    return x * cos + y * sin, y * cos - x * sin


def _correlation(channels: int) -> Float[Tensor, "channels channels"]:
    steps = torch.arange(channels)
    correlation: Tensor = NATURAL_CORRELATION ** (steps[:, None] - steps[None, :]).abs().float()
    return correlation
