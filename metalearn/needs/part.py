"""A part of a run's work, which it does again and again."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Part:
    """Work on pictures (or on whatever else is counted): `times` times on `at_once` of them.

    `rehearse(n)` does it for n of them, and changes nothing that the run uses. Parts of equal
    `kind` cost the same for each picture, so that one of them is measured.
    """

    kind: Hashable
    rehearse: Callable[[int], object]
    at_once: int
    times: float
    device: torch.device

    @property
    def pictures(self) -> float:
        """Pictures in the whole run."""
        return self.at_once * self.times
