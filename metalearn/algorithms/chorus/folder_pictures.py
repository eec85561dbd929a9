from typing import Any

import torch
from torch import Tensor

from metalearn.datasets import OwnPictures
from metalearn.errors import InvalidSetting
from metalearn.numerics.preparation import resized
from metalearn.shapes import Images


class FolderPictures:
    """The images of a folder as part of a run. Snapshots store only their digest."""

    def __init__(self, pictures: OwnPictures) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures.pixels)

    def notices(self) -> list[str]:
        told = [f"The run learns from {len(self):,} pictures in the operator's folder."]
        if left_out := self.pictures.left_out:
            told.append(f"{left_out:,} files in that folder cannot be read and are left out.")
        return told

    def shown(self, numbers: Tensor) -> Images:
        return self.pictures.pixels[numbers].float() / 255

    def kept(self, numbers: Tensor, size: int) -> Tensor:
        """Return images as the memory stores them, as uint8 at `size` pixels."""
        return (resized(self.shown(numbers), size) * 255).round().to(torch.uint8)

    def state_dict(self) -> dict[str, Any]:
        return {"digest": self.pictures.digest, "n": len(self)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Raise InvalidSetting if the folder has changed, as the run cannot resume exactly."""
        if state != self.state_dict():
            raise InvalidSetting(
                "The pictures in the operator's folder have changed since this run began; restore "
                "the original files, or start the run again."
            )
