"""Folders of unlabelled pictures: bounded, in a fixed order, as bytes."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from metalearn.datasets.folders import MAX_FILE_BYTES
from metalearn.datasets.images import decode_image
from metalearn.errors import InvalidData

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True)
class OwnPictures:
    """Pictures (n, channels, size, size) as bytes, and a digest that identifies their folder."""

    pixels: Tensor
    digest: str
    """Hash of the names and sizes of all picture files in the folder."""
    left_out: int
    """The number of files that could not be read."""


def read_own_pictures(path: Path, *, channels: int, size: int, most: int) -> OwnPictures:
    """Read up to `most` pictures of a folder and its sub-folders, spread evenly over their names.

    Symbolic links are not followed. Unreadable files are skipped and counted. Raises InvalidData if
    the folder has no picture.
    """
    if not path.is_dir():
        raise InvalidData(f"“{path}” is not a folder; give one with JPEG, PNG or WebP pictures.")
    files = sorted(_files(path), key=lambda file: file.relative_to(path).as_posix())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
    chosen = files if len(files) <= most else [files[i * len(files) // most] for i in range(most)]
    read = [picture for file in chosen if (picture := _read(file, channels, size)) is not None]
    if not read:
        raise InvalidData(f"“{path}” has no picture that can be read; add JPEG, PNG or WebP files.")
    return OwnPictures(torch.stack(read), digest.hexdigest(), len(chosen) - len(read))


def _files(path: Path) -> Iterator[Path]:
    """Yield picture files that are not hidden; links could lead out of the folder."""
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.is_symlink():
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and entry.name.lower().endswith(SUFFIXES):
                yield Path(entry.path)


def _read(file: Path, channels: int, size: int) -> Tensor | None:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            return None
        return decode_image(file.read_bytes(), channels=channels, image_size=size, formats=FORMATS)
    except (InvalidData, OSError):
        return None
