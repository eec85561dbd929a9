"""Folders of pictures: one sub-folder a class, or all in one."""

from collections.abc import Iterator
from pathlib import Path

import torch

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.images import Pixels, decode_image
from metalearn.errors import InvalidData

MAX_FILE_BYTES = 200_000_000
_NOT_PICTURES = {"thumbs.db", "desktop.ini"}


def read_folder(path: Path, *, channels: int, image_size: int) -> ImageSet:
    """Pictures in one sub-folder a class, classes and files in the order of their names.

    Raises InvalidData, naming the file, when one cannot be read, and when a class is empty.
    """
    folders = [entry for entry in _entries(path) if entry.is_dir()]
    if not folders:
        raise InvalidData(f"“{path}” has no sub-folders; put the pictures of each class into one.")
    images, labels = [], []
    for label, folder in enumerate(folders):
        pictures = [picture for _, picture in read_pictures(folder, channels, image_size)]
        images += pictures
        labels += [label] * len(pictures)
    return ImageSet(torch.stack(images), torch.tensor(labels), tuple(f.name for f in folders))


def read_pictures(path: Path, channels: int, image_size: int) -> Iterator[tuple[Path, Pixels]]:
    """Every picture below the folder with its file, in the order of their names.

    Raises InvalidData when there is none or one cannot be read.
    """
    files = [file for file in _files(path) if file.name.lower() not in _NOT_PICTURES]
    if not files:
        raise InvalidData(f"“{path}” has no pictures; add PNG, JPEG or WebP files.")
    for file in files:
        yield file, _read_picture(file, channels, image_size)


def _read_picture(file: Path, channels: int, image_size: int) -> Pixels:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise InvalidData(f"“{file}” is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    try:
        return decode_image(file.read_bytes(), channels=channels, image_size=image_size)
    except InvalidData as error:
        raise InvalidData(f"“{file}”: {error}") from error


def _entries(path: Path) -> list[Path]:
    """What lies in the folder and is not hidden, by name."""
    if not path.is_dir():
        raise InvalidData(f"“{path}” is not a folder; give one with pictures.")
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))


def _files(path: Path) -> Iterator[Path]:
    for entry in _entries(path):
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry
