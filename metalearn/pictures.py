"""Pictures drawn by rule: overlapping shapes with textures ("dead leaves"), without any data.

Dead leaves share edges, occlusion, scales and colour statistics with photographs, and are enough
to learn features from (Baradad et al. 2021, https://arxiv.org/abs/2106.05963).
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from metalearn.preparation import per_channel
from metalearn.shapes import Images

LAYERS = 24
"""Most shapes of a picture; each has a random number of them, at least 3."""
SMALLEST, LARGEST = 0.12, 1.3
"""Radii of shapes in half pictures; their density falls with the third power, as in nature."""
NATURAL_CORRELATION = 0.87
"""Correlation of neighbouring colour channels in photographs."""
REACH = 1.7
"""Colours are uniform within this many standard deviations, so that their deviation is one."""

Mask = Float[Tensor, "n 1 size size"]


def draw_pictures(
    n: int,
    *,
    size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    rng: torch.Generator,
) -> Images:
    """`n` pictures (n, channels, size, size) in [0, 1], whose colours have this mean and std.

    Half of the pictures have colours whose channels go together as they do in photographs, and
    that resemble each other within a picture; the others are vivid.
    """
    draw = _Drawing(n, size, len(mean), rng)
    canvas = draw.colour() + 0.6 * draw.texture * draw.uniform()
    # Vivid pictures are crowded, photographic ones may be plain.
    shapes = torch.where(draw.photographic, 3 + (LAYERS - 2) * draw.uniform(), LAYERS)
    for layer in range(LAYERS):
        place = draw.place()
        # The last ones drawn lie on top; a picture of few shapes has only those.
        shown = (layer >= LAYERS - shapes).float()
        mask = draw.shape(*place) * shown
        canvas = torch.lerp(canvas, draw.body(*place), mask)
    blurred = F.avg_pool2d(F.pad(canvas, (1, 1, 1, 1), mode="reflect"), 3, 1)
    canvas = draw.exposed(torch.lerp(canvas, blurred, draw.uniform()))
    return (canvas * per_channel(std, canvas) + per_channel(mean, canvas)).clamp(0, 1)


class _Drawing:
    """What the layers of a batch of pictures share. Colours are in standard deviations."""

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

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Float[Tensor, "n 1 1 1"]:
        """One number for each picture."""
        return low + (high - low) * torch.rand(self.n, 1, 1, 1, generator=self.rng)

    def normal(self) -> Float[Tensor, "n 1 1 1"]:
        """One number for each picture."""
        return torch.randn(self.n, 1, 1, 1, generator=self.rng)

    def colour(self) -> Float[Tensor, "n channels 1 1"]:
        """A colour for each picture, more or less like the picture's ground colour."""
        own = (1 - self._likeness).sqrt() * self._any_colour()
        return self._likeness.sqrt() * self._ground + own

    def place(self) -> tuple[Tensor, Tensor]:
        """Coordinates (n, 1, size, size) of a shape's own frame: moved, turned and stretched."""
        x, y = self.x - self.uniform(-1.2, 1.2), self.y - self.uniform(-1.2, 1.2)
        angle, stretch = self.uniform(0, 2 * math.pi), torch.exp(0.25 * self.normal())
        along = (x * angle.cos() + y * angle.sin()) * stretch
        across = (y * angle.cos() - x * angle.sin()) / stretch
        return along, across

    def shape(self, along: Tensor, across: Tensor) -> Mask:
        """How much of each pixel a shape covers: a wobbly disc, a box or a regular polygon."""
        share = self.uniform()
        radius = ((1 - share) / SMALLEST**2 + share / LARGEST**2) ** -0.5
        distance = (along.square() + across.square()).sqrt()
        angle = torch.atan2(across, along)
        wobble = sum(
            (self.normal() / k * torch.cos(k * angle + self.uniform(0, 2 * math.pi)))
            for k in range(2, 6)
        )
        disc = radius * (1 + 0.5 * self.uniform() * wobble) - distance
        box = 0.9 * radius - torch.maximum(along.abs(), across.abs())
        half = math.pi / torch.floor(self.uniform(3, 7))
        polygon = radius - distance * torch.cos(angle % (2 * half) - half)
        kind = self.uniform()
        inside = torch.where(kind < 0.5, disc, torch.where(kind < 0.7, box, polygon))
        return torch.sigmoid(inside * 6 * torch.exp(self.uniform(0, 2.5)))

    def body(self, along: Tensor, across: Tensor) -> Float[Tensor, "n channels size size"]:
        """What a shape looks like: plain, shaded or striped, with some of a picture's texture."""
        first, second = self.colour(), self.colour()
        period = 10 * torch.exp(0.6 * self.normal())
        stripes = torch.sigmoid(3 * torch.sin(along * period + self.uniform(0, 2 * math.pi)))
        shading = torch.sigmoid(2 * along)
        kind = self.uniform()
        pattern = torch.where(kind < 0.4, 0.0, torch.where(kind < 0.75, shading, stripes))
        # Another picture's texture.
        texture = self.texture[torch.randperm(self.n, generator=self.rng)]
        grain = 0.9 * self.uniform().square() * texture
        return first + (second - first) * (pattern * self.uniform()) + grain

    def exposed(self, canvas: Tensor) -> Float[Tensor, "n channels size size"]:
        """Photographic pictures get their deviation back; vivid ones a contrast of their own."""
        # Shapes hide and blurring mixes, so that colours have come closer to each other.
        deviation = canvas[self.photographic.flatten()].std() if self.photographic.any() else 1.0
        middle = canvas.mean((1, 2, 3), keepdim=True)
        vivid = torch.lerp(middle, canvas, torch.exp(0.25 * self.normal())) + 0.2 * self.normal()
        return torch.where(self.photographic, canvas / deviation, vivid)

    def _any_colour(self) -> Float[Tensor, "n channels 1 1"]:
        colours = REACH * (2 * torch.rand(self.n, self.channels, 1, 1, generator=self.rng) - 1)
        grey = REACH * self.uniform(-1, 1)
        vivid = torch.lerp(grey, colours, self.uniform())
        return torch.where(self.photographic, self._mixed(colours), vivid)

    def _mixed(self, colours: Tensor) -> Tensor:
        return torch.einsum("ij,njhw->nihw", self._mixing, colours)

    def _noise(self) -> Float[Tensor, "n channels size size"]:
        """Noise whose spectrum falls with a power of the frequency, often with a direction."""
        down = torch.fft.fftfreq(self.size).view(-1, 1)
        right = torch.fft.rfftfreq(self.size).view(1, -1)
        angle, stretch = self.uniform(0, math.pi), torch.exp(0.7 * self.normal())
        along = (right * angle.cos() + down * angle.sin()) * stretch
        across = (down * angle.cos() - right * angle.sin()) / stretch
        frequency = (along.square() + across.square()).sqrt()
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


def _correlation(channels: int) -> Float[Tensor, "channels channels"]:
    """Of the colour channels of photographs: neighbours in the spectrum are most alike."""
    steps = torch.arange(channels)
    correlation: Tensor = NATURAL_CORRELATION ** (steps[:, None] - steps[None, :]).abs().float()
    return correlation
