"""A person's own unlabelled pictures among the drawn ones: which are shown, and whose they were."""

from typing import Any

import torch
from torch import Tensor

from metalearn.datasets import OwnPictures
from metalearn.errors import InvalidSetting
from metalearn.numerics.preparation import resized
from metalearn.shapes import Images


class FolderPictures:
    """Part of a run: the pictures of a folder, of which a snapshot has nothing but the digest."""

    def __init__(self, pictures: OwnPictures) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures.pixels)

    def notices(self) -> list[str]:
        """How many are used, and how many were not readable."""
        told = [f"{len(self):,} pictures of the operator's own folder are learned from."]
        if left_out := self.pictures.left_out:
            told.append(f"{left_out:,} files of that folder cannot be read and are left out.")
        return told

    def shown(self, numbers: Tensor) -> Images:
        """Pictures in [0, 1] by their numbers."""
        return self.pictures.pixels[numbers].float() / 255

    def kept(self, numbers: Tensor, size: int) -> Tensor:
        """The same as the memory keeps them, as bytes."""
        return (resized(self.shown(numbers), size) * 255).round().to(torch.uint8)

    def state_dict(self) -> dict[str, Any]:
        """What tells the folder from another, and no picture."""
        return {"digest": self.pictures.digest, "n": len(self)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raise InvalidSetting where the folder is not what it was: the run would be another."""
        if state != self.state_dict():
            raise InvalidSetting(
                "The pictures of the operator's folder have changed since this run began; put the "
                "former files back, or start the run again."
            )
