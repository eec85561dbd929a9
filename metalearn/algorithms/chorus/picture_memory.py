"""A bounded memory of 8-bit images with their coordinates in the pool's space.

Drawn images are part of a snapshot. For the operator's own images, a snapshot stores only their
indices; the pixels are read from the folder again (`put_back`).
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from metalearn.shapes import Images

Pixels = UInt8[Tensor, "n channels size size"]


class PictureMemory:
    """A ring buffer of the `capacity` most recent images and their coordinates (n, components)."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.n_seen = 0
        self._pixels: Tensor | None = None
        self._coordinates: Tensor | None = None
        self._own: Tensor | None = None

    @property
    def n_images(self) -> int:
        return min(self.n_seen, self.capacity)

    def add(
        self,
        images: Images,
        coordinates: Float[Tensor, "n components"],
        own: Int[Tensor, " n"] | None = None,
    ) -> None:
        """Add images in [0, 1], replacing the oldest.

        `own` has the folder index of each of the operator's own images, and -1 for drawn ones.
        """
        pixels = (images * 255).round().to(torch.uint8).cpu()[-self.capacity :]
        coordinates = coordinates.float().cpu()[-self.capacity :]
        if self._pixels is None or self._coordinates is None:
            self._pixels = torch.zeros(self.capacity, *pixels.shape[1:], dtype=torch.uint8)
            self._coordinates = torch.zeros(self.capacity, coordinates.shape[1])
        places = (self.n_seen + torch.arange(len(pixels))) % self.capacity
        self._pixels[places] = pixels
        self._coordinates[places] = coordinates
        if own is not None:
            if self._own is None:
                self._own = torch.full((self.capacity,), -1)
            self._own[places] = own[-self.capacity :]
        self.n_seen += len(pixels)

    def sample(self, n: int, rng: torch.Generator) -> tuple[Pixels, Float[Tensor, "n components"]]:
        """Return `n` distinct images (or as many as there are) and their coordinates."""
        assert self._pixels is not None and self._coordinates is not None, "add comes first"
        picks = torch.randperm(self.n_images, generator=rng)[:n]
        return self._pixels[picks], self._coordinates[picks]

    def recent(self, n: int) -> Pixels:
        assert self._pixels is not None, "add comes first"
        n = min(n, self.n_images)
        return self._pixels[(self.n_seen - n + torch.arange(n)) % self.capacity]

    def put_back(self, pictures_of: Callable[[Tensor], Tensor]) -> None:
        """Restore the operator's own images after loading a snapshot, given their uint8 pixels."""
        if self._own is None or self._pixels is None:
            return
        places = (self._own >= 0).nonzero().flatten()
        if len(places):
            self._pixels[places] = pictures_of(self._own[places])

    def state_dict(self) -> dict[str, Any]:
        if self._pixels is None or self._coordinates is None:
            return {"n_seen": 0}
        held = self.n_images
        state: dict[str, Any] = {
            "n_seen": self.n_seen,
            "pixels": self._pixels[:held].clone(),
            "coordinates": self._coordinates[:held].clone(),
        }
        if self._own is not None:
            state["own"] = self._own[:held].clone()
            state["pixels"][state["own"] >= 0] = 0
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.n_seen = state["n_seen"]
        self._pixels = self._coordinates = self._own = None
        if self.n_seen:
            pixels, coordinates = state["pixels"].cpu(), state["coordinates"].cpu()
            room = self.capacity - len(pixels)
            self._pixels = torch.cat([pixels, pixels.new_zeros(room, *pixels.shape[1:])])
            self._coordinates = torch.cat(
                [coordinates, coordinates.new_zeros(room, coordinates.shape[1])]
            )
        if "own" in state:
            self._own = torch.full((self.capacity,), -1)
            self._own[: len(state["own"])] = state["own"].cpu()
