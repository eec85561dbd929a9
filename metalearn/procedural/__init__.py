"""Pictures drawn by rule, without any data: dead leaves, made-up objects, random networks.

Such pictures share edges, occlusion, scales and colour statistics with photographs, and are enough
to learn features from (Baradad et al. 2021, https://arxiv.org/abs/2106.05963).
"""

import torch

from metalearn.procedural.canvas import Canvas
from metalearn.procedural.grafting import grafted
from metalearn.procedural.leaves import draw_leaves
from metalearn.procedural.objects import draw_objects
from metalearn.procedural.random_networks import draw_random_networks
from metalearn.shapes import Images

__all__ = ["KINDS", "draw_pictures"]

FAMILIES = {"leaves": draw_leaves, "objects": draw_objects, "networks": draw_random_networks}
KINDS = ("mixed", *FAMILIES)
MIXED = {"leaves": 0.4, "objects": 0.8, "networks": 1.0}
"""Where in a mixed batch each family's share ends."""


def draw_pictures(
    n: int,
    *,
    size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    rng: torch.Generator,
    kind: str = "mixed",
) -> Images:
    """`n` pictures (n, channels, size, size) in [0, 1], whose colours have about this mean and std.

    Of mixed ones two fifths are dead leaves, two fifths show objects and a fifth is by random
    networks, in any order, and half of all have a region of another one; other kinds are one
    family's alone. Half of the leaves and objects have colours whose channels go together as they
    do in photographs, and that resemble each other within a picture; the others are vivid.
    """
    shares = MIXED if kind == "mixed" else {kind: 1.0}
    pictures = []
    start = 0
    for family, share in shares.items():
        end = round(n * share)
        if end > start:
            canvas = Canvas(end - start, size, len(mean), rng)
            plane = FAMILIES[family](canvas)
            pictures.append(canvas.developed(plane, mean=mean, std=std))
        start = end
    shuffled = torch.cat(pictures)[torch.randperm(n, generator=rng)]
    return grafted(shuffled, rng) if kind == "mixed" else shuffled
