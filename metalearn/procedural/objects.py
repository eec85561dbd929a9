"""Made-up objects: a few parts in one palette, often symmetric, in front of a ground.

Labelled photographs usually show one object, composed of matching parts, before a background. Dead
leaves have neither object nor background.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from metalearn.procedural.canvas import Canvas, Number, Plane, turned
from metalearn.procedural.leaves import add_leaf

PARTS = 8
"""Maximum number of parts of an object. Each has a random number of them, at least 2."""
LEAVES = 3
PALETTE = 3


@dataclass(frozen=True)
class _Object:
    """One object per image: its frame of reference, and what its parts share."""

    along: Tensor
    across: Tensor
    symmetric: Tensor
    scale: Tensor
    """Half its height, in half images."""
    palette: Tensor
    """(colours, n, channels, 1, 1)"""
    texture: Plane


def draw_objects(canvas: Canvas) -> Plane:
    """Draw one object near the middle of each image, some with a smaller one behind it."""
    plane = _ground(canvas)
    plane = _add_object(canvas, plane, _object(canvas, size=0.6, spread=0.64), canvas.chance(0.4))
    plane = _add_object(canvas, plane, _object(canvas, size=1.0, spread=0.4), canvas.chance(1.0))
    return canvas.finished(plane)


def _ground(canvas: Canvas) -> Plane:
    across, _ = turned(canvas.x, canvas.y, canvas.uniform(0, 2 * math.pi))
    sharpness = torch.exp(canvas.uniform(0, 3))
    edge = torch.sigmoid(sharpness * (across + 0.5 * canvas.normal()))
    first, second = canvas.colour(), canvas.colour()
    plane = first + (second - first) * edge * canvas.uniform()
    plane = plane + 0.8 * canvas.uniform().square() * canvas.texture
    for _ in range(LEAVES):
        plane = add_leaf(canvas, plane, canvas.chance(0.5))
    return plane


def _object(canvas: Canvas, *, size: float, spread: float) -> _Object:
    x = canvas.x - canvas.uniform(-spread, spread)
    y = canvas.y - canvas.uniform(-spread, spread)
    scale = size * canvas.uniform(0.45, 1.0)
    # Most things stand upright.
    upright = canvas.chance(0.6) > 0
    angle = torch.where(upright, 0.2 * canvas.normal(), canvas.uniform(0, 2 * math.pi))
    along, across = turned(x / scale, y / scale, angle)
    return _Object(
        along=along,
        across=across,
        symmetric=canvas.chance(0.5) > 0,
        scale=scale,
        palette=torch.stack([canvas.colour() for _ in range(PALETTE)]),
        texture=canvas.another_texture() * canvas.uniform().square(),
    )


def _add_object(canvas: Canvas, plane: Plane, thing: _Object, shown: Number) -> Plane:
    parts = torch.floor(canvas.uniform(2, PARTS + 1))
    for part in range(PARTS):
        plane = _add_part(canvas, plane, thing, shown * (part < parts), trunk=part == 0)
    return plane


def _add_part(canvas: Canvas, plane: Plane, thing: _Object, shown: Tensor, *, trunk: bool) -> Plane:
    """Add an ellipse or a box. The first part, the trunk, is large and near the middle."""
    reach = 0.2 if trunk else 0.7
    place = canvas.uniform(-reach, reach)
    along, across = (
        _mirrored(thing.along, thing) - _mirrored(place, thing),
        thing.across - canvas.uniform(-reach, reach),
    )
    radius = canvas.uniform(0.45, 0.8) if trunk else canvas.uniform(0.08, 0.45)
    stretch = torch.exp(0.45 * canvas.normal())
    along, across = turned(along, across, canvas.uniform(0, math.pi))
    along, across = along * stretch / radius, across / stretch / radius
    ellipse = 1 - (along.square() + across.square()).sqrt()
    box = 0.9 - torch.maximum(along.abs(), across.abs())
    inside = torch.where(canvas.chance(0.65) > 0, ellipse, box) * radius * thing.scale
    # In pixels, so that edges are equally sharp at any image size.
    mask = torch.sigmoid(inside * canvas.size * torch.exp(canvas.uniform(-1.5, 0.5)))
    light = (along * canvas.normal() + across * canvas.normal()).clamp(-1.5, 1.5)
    stripes = torch.sin(along * 10 * torch.exp(0.5 * canvas.normal())) * canvas.chance(0.2)
    body = _own_colour(canvas, thing) + 0.5 * canvas.uniform() * light + 0.6 * stripes
    return torch.lerp(plane, body + thing.texture, mask * shown)


def _mirrored(along: Tensor, thing: _Object) -> Tensor:
    """Return the coordinate, or its distance from the axis if the object is symmetric."""
    return torch.where(thing.symmetric, along.abs(), along)


def _own_colour(canvas: Canvas, thing: _Object) -> Tensor:
    picks = torch.randint(PALETTE, (canvas.n,), generator=canvas.rng)
    return thing.palette[picks, torch.arange(canvas.n)]
