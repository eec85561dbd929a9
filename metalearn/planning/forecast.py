import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from metalearn.algorithm import Algorithm
from metalearn.needs import Needs, in_mb, loaded_bytes
from metalearn.pool import Pool

_PAGES = Path("/proc/self/statm")
_SOONER, _LATER = 0.7, 1.5
"""Machine speed varies from the second in which it was measured."""
_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


@dataclass(frozen=True)
class Forecast:
    memory_mb: int
    """Includes Python and its libraries if the run is on the CPU."""
    shelved_mb: int
    snapshot_mb: int
    multiply_adds: float
    seconds: float

    @property
    def time(self) -> str:
        low, high = self.seconds * _SOONER, self.seconds * _LATER
        for length, unit in _UNITS:
            if high >= 2 * length or (unit == "minutes" and high >= length):
                return f"{_number(low / length)} to {_number(high / length)} {unit}"
        return "less than a minute"

    def line(self, *, snapshots: bool) -> str:
        """Return the forecast as a sentence, with the disk space of snapshots or without."""
        disk = self.shelved_mb + (self.snapshot_mb if snapshots else 0)
        return (
            f"The run needs about {self.memory_mb:,} MB of memory and {disk:,} MB of disk, and "
            f"takes {self.time}."
        )


@dataclass(frozen=True)
class Plan:
    kind: type[Algorithm]
    pool: Pool
    config: Any
    device: torch.device
    libraries_mb: int
    """Memory of the process besides its models and the run; 0 on a GPU."""

    @classmethod
    def of(cls, kind: type[Algorithm], pool: Pool, config: Any, device: torch.device) -> "Plan":
        """Make a plan, before the algorithm is made, whose memory would count as libraries.

        Raises InvalidPool or InvalidSetting as the algorithm itself would.
        """
        # Called for its side effect: libraries load what the pool's networks need.
        kind.needs_of(pool, config, device)
        if device.type != "cpu":
            return cls(kind, pool, config, device, 0)
        beside = max(0, _resident_bytes() - loaded_bytes(pool))
        return cls(kind, pool, config, device, in_mb(beside))

    def needs(self) -> Needs:
        return self.kind.needs_of(self.pool, self.config, self.device)

    def memory_mb(self) -> int:
        return self.needs().memory_mb + self.libraries_mb

    def forecast(self) -> Forecast:
        needs = self.needs()
        return Forecast(
            memory_mb=needs.memory_mb + self.libraries_mb,
            shelved_mb=in_mb(needs.cached),
            snapshot_mb=in_mb(needs.snapshot),
            multiply_adds=needs.multiply_adds(),
            seconds=needs.seconds(),
        )


def _resident_bytes() -> int:
    try:
        pages = int(_PAGES.read_text().split()[1])
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1_024 * peak
    return pages * resource.getpagesize()


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{max(value, 0.1):.1f}".removesuffix(".0")
