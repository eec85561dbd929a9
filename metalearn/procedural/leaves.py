"""Dead leaves: overlapping shapes of all sizes, scattered over the whole image."""

import math

import torch
from torch import Tensor

from metalearn.procedural.canvas import Canvas, Mask, Plane, turned

LAYERS = 24
"""Maximum number of shapes in an image. Each has a random number of them, at least 3."""
SMALLEST, LARGEST = 0.12, 1.3
"""Radii of shapes in half images; their density falls with the third power, as in nature."""


def draw_leaves(canvas: Canvas) -> Plane:
    """Draw images of 3 to 24 shapes. Vivid ones are crowded, photographic ones may be plain."""
    plane = canvas.colour() + 0.6 * canvas.texture * canvas.uniform()
    shapes = torch.where(canvas.photographic, 3 + (LAYERS - 2) * canvas.uniform(), LAYERS)
    for layer in range(LAYERS):
        # The last shapes are on top; an image with few shapes has only those.
        plane = add_leaf(canvas, plane, (layer >= LAYERS - shapes).float())
    return canvas.finished(plane)


def add_leaf(canvas: Canvas, plane: Plane, shown: Tensor) -> Plane:
    """Add a shape on top of the images for which `shown` is 1."""
    along, across = _place(canvas)
    mask = _shape(canvas, along, across) * shown
    return torch.lerp(plane, _body(canvas, along, across), mask)


def _place(canvas: Canvas) -> tuple[Tensor, Tensor]:
    """Return coordinates (n, 1, size, size) in a shape's frame: shifted, rotated and stretched."""
    x, y = canvas.x - canvas.uniform(-1.2, 1.2), canvas.y - canvas.uniform(-1.2, 1.2)
    along, across = turned(x, y, canvas.uniform(0, 2 * math.pi))
    stretch = torch.exp(0.25 * canvas.normal())
    return along * stretch, across / stretch


def _shape(canvas: Canvas, along: Tensor, across: Tensor) -> Mask:
    """Return a shape's coverage of each pixel: a wobbly disc, a box or a regular polygon."""
    share = canvas.uniform()
    radius = ((1 - share) / SMALLEST**2 + share / LARGEST**2) ** -0.5
    distance = (along.square() + across.square()).sqrt()
    angle = torch.atan2(across, along)
    wobble = sum(
        (canvas.normal() / k * torch.cos(k * angle + canvas.uniform(0, 2 * math.pi)))
        for k in range(2, 6)
    )
    disc = radius * (1 + 0.5 * canvas.uniform() * wobble) - distance
    box = 0.9 * radius - torch.maximum(along.abs(), across.abs())
    half = math.pi / torch.floor(canvas.uniform(3, 7))
    polygon = radius - distance * torch.cos(angle % (2 * half) - half)
    kind = canvas.uniform()
    inside = torch.where(kind < 0.5, disc, torch.where(kind < 0.7, box, polygon))
    return torch.sigmoid(inside * 6 * torch.exp(canvas.uniform(0, 2.5)))


def _body(canvas: Canvas, along: Tensor, across: Tensor) -> Plane:
    first, second = canvas.colour(), canvas.colour()
    period = 10 * torch.exp(0.6 * canvas.normal())
    stripes = torch.sigmoid(3 * torch.sin(along * period + canvas.uniform(0, 2 * math.pi)))
    shading = torch.sigmoid(2 * along)
    kind = canvas.uniform()
    pattern = torch.where(kind < 0.4, 0.0, torch.where(kind < 0.75, shading, stripes))
    grain = 0.9 * canvas.uniform().square() * canvas.another_texture()
    return first + (second - first) * (pattern * canvas.uniform()) + grain
