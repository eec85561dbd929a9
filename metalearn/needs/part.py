from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Part:
    """Work done `times` times on `at_once` images (or other units).

    `rehearse(n)` does it for n units without changing anything the run uses. Parts of equal `kind`
    have the same cost per unit, so only one of them is measured.
    """

    kind: Hashable
    rehearse: Callable[[int], object]
    at_once: int
    times: float
    device: torch.device

    @property
    def pictures(self) -> float:
        return self.at_once * self.times
