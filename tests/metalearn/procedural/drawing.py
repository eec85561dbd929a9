"""Pictures as tests draw them."""

from typing import Any

import torch
from torch import Tensor

from metalearn.procedural import draw_pictures

COLOURS = {"mean": (0.5, 0.45, 0.4), "std": (0.25, 0.25, 0.25)}


def drawn(
    n: int = 64, seed: int = 0, size: int = 32, kind: str = "mixed", **colours: Any
) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return draw_pictures(n, size=size, rng=rng, kind=kind, **(colours or COLOURS))
