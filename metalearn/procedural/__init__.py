"""Synthetic images drawn without data: dead leaves, made-up objects, random networks.

They share edges, occlusion, scales and colour statistics with photographs, which is enough to learn
features from (Baradad et al. 2021, https://arxiv.org/abs/2106.05963).
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
"""Cumulative share of each family in a mixed batch."""


def draw_pictures(
    n: int,
    *,
    size: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    rng: torch.Generator,
    kind: str = "mixed",
) -> Images:
    """Draw `n` images (n, channels, size, size) in [0, 1] with about this colour mean and std.

    Of a mixed batch, two fifths are dead leaves, two fifths objects and one fifth random networks,
    in random order; half of all images contain a region of another. Other kinds are a single
    family. Half of the leaves and objects have photographic colours: channels are correlated as in
    photographs, and the colours of an image resemble each other. The other half are vivid.
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
