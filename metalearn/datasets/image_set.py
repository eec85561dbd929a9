"""Pictures with class labels, held in memory as bytes."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from metalearn.errors import InvalidData

# Rec. 601, as in Pillow's conversion to grey.
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class ImageSet:
    """Square pictures of one size; `labels` are indices into `class_names`."""

    images: UInt8[Tensor, "n channels size size"]
    labels: Int[Tensor, " labels"]
    class_names: tuple[str, ...]
    tracks: Int[Tensor, " tracks"] | None = None
    """Within a class, pictures with the same number show the same object (frames of a film)."""

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise InvalidData(
                f"There are {len(self.images)} pictures but {len(self.labels)} labels; "
                "give one label for each picture."
            )
        if self.tracks is not None and len(self.tracks) != len(self.images):
            raise InvalidData(
                f"There are {len(self.images)} pictures but {len(self.tracks)} tracks; "
                "give one track for each picture, or none at all."
            )
        if not len(self.images):
            raise InvalidData("There are no pictures; give at least one for each class.")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.class_names):
            raise InvalidData(
                f"The labels run from {low} to {high}, but there are "
                f"{len(self.class_names)} class names; labels are positions in that list."
            )

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def image_size(self) -> int:
        return self.images.shape[2]

    def by_class(self) -> list[Tensor]:
        """Return the pictures of each class (n_c, c, h, w), in the order of `class_names`."""
        return [self.images[self.labels == index] for index in range(len(self.class_names))]

    def tracks_by_class(self) -> list[Tensor] | None:
        """Return the tracks of `by_class`'s pictures, or None if pictures are unrelated."""
        if self.tracks is None:
            return None
        return [self.tracks[self.labels == index] for index in range(len(self.class_names))]

    def with_channels(self, channels: int) -> "ImageSet":
        """Convert to grey (1) or colour (3)."""
        if channels == self.channels:
            return self
        if channels == 3:
            return replace(self, images=self.images.expand(-1, 3, -1, -1).contiguous())
        if channels != 1:
            raise InvalidData(f"Pictures have 1 or 3 channels, not {channels}.")
        weights = torch.tensor(_LUMA).view(1, 3, 1, 1)
        grey = (self.images.float() * weights).sum(1, keepdim=True).round().to(torch.uint8)
        return replace(self, images=grey)
