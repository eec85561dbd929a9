"""Common parts of data sets: splits, sources and collected pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from metalearn.datasets.image_set import ImageSet
from metalearn.errors import InvalidData

SPLITS = ("train", "val", "test")
"""The classes of the three splits are disjoint."""
MAX_IMAGES = 100_000


@dataclass(frozen=True)
class Source:
    """A data set; `read(file, split)` returns the pictures of a class split."""

    name: str
    title: str
    files: str
    """What has to be downloaded, in words."""
    read: Callable[[Path, str], ImageSet]


class Collection:
    """Pictures of a split in any order; `finish` sorts them by class and name."""

    def __init__(self, class_names: tuple[str, ...], where: Path) -> None:
        self._class_names = class_names
        self._where = where
        self._labels = {name: label for label, name in enumerate(class_names)}
        self._items: list[tuple[int, str, int, Tensor]] = []

    def add(self, class_name: str, name: str, picture: Tensor, *, track: int = -1) -> None:
        """Add a picture (channels, size, size); equal tracks show the same object."""
        if len(self._items) >= MAX_IMAGES:
            raise InvalidData(
                f"“{self._where}” has more than {MAX_IMAGES:,} pictures of this split, more than "
                "the data set; download its own archive."
            )
        self._items.append((self._labels[class_name], name, track, picture))

    def finish(self) -> ImageSet:
        """Return all pictures. Raises InvalidData, naming a class that has none."""
        self._items.sort(key=lambda item: item[:2])
        labels = [label for label, _, _, _ in self._items]
        if absent := set(range(len(self._class_names))) - set(labels):
            raise missing(self._where, f"pictures of the class “{self._class_names[min(absent)]}”")
        tracks = [track for _, _, track, _ in self._items]
        images = torch.stack([picture for _, _, _, picture in self._items])
        self._items.clear()  # half of the memory
        return ImageSet(
            images,
            torch.tensor(labels),
            self._class_names,
            torch.tensor(tracks) if min(tracks) >= 0 else None,
        )


def missing(where: Path, what: str) -> InvalidData:
    return InvalidData(f"“{where}” has no {what}; give the data set's own archive, whole.")


def text_of(content: bytes, where: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidData(
            f"A list in “{where}” is not text; give the data set's own archive."
        ) from None
