"""Folders of pictures: one sub-folder per class, or all in one."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from metalearn.datasets.darkness import PictureWarning, is_nearly_black, nearly_black
from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.images import READABLE, Pixels, decode_image
from metalearn.errors import InvalidData

MAX_FILE_BYTES = 200_000_000
_LEFT_BY_SYSTEMS = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"}


def class_folders(path: Path) -> list[Path]:
    """Return the sub-folders, one per class, sorted by name; raise InvalidData if none."""
    folders = [entry for entry in _entries(path) if entry.is_dir()]
    if not folders:
        raise InvalidData(f"“{path}” has no sub-folders; put the pictures of each class into one.")
    return folders


def read_folder(path: Path, *, channels: int, image_size: int) -> ImageSet:
    """Read pictures from one sub-folder per class; classes and files are sorted by name.

    Raises InvalidData, naming the file, if one cannot be read or a class is empty. Warns once about
    pictures that are nearly black.
    """
    folders = class_folders(path)
    images, labels = [], []
    black: list[str] = []
    for label, folder in enumerate(folders):
        pictures = [picture for _, picture in _pictures(folder, channels, image_size, black)]
        images += pictures
        labels += [label] * len(pictures)
    _warn(black)
    return ImageSet(torch.stack(images), torch.tensor(labels), tuple(f.name for f in folders))


def read_pictures(path: Path, channels: int, image_size: int) -> Iterator[tuple[Path, Pixels]]:
    """Yield every picture below the folder with its file, sorted by name.

    Raises InvalidData if there are none or one cannot be read; warns as `read_folder` does.
    """
    black: list[str] = []
    yield from _pictures(path, channels, image_size, black)
    _warn(black)


def _pictures(
    path: Path, channels: int, image_size: int, black: list[str]
) -> Iterator[tuple[Path, Pixels]]:
    """Read pictures as `read_pictures` does, adding the names of nearly black ones to `black`."""
    files = list(_files(path))
    if not files:
        raise InvalidData(f"“{path}” has no pictures; add {READABLE} files.")
    for file in files:
        data = _content(file)
        name = f"“{file}”"
        yield file, decode_image(data, channels=channels, image_size=image_size, name=name)
        if is_nearly_black(data):
            black.append(name)


def _content(file: Path) -> bytes:
    if file.stat().st_size > MAX_FILE_BYTES:
        raise InvalidData(f"“{file}” is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    return file.read_bytes()


def _warn(black: list[str]) -> None:
    if black:
        warnings.warn(nearly_black(black), PictureWarning, stacklevel=3)


def _entries(path: Path) -> list[Path]:
    if not path.is_dir():
        raise InvalidData(f"“{path}” is not a folder; give one with pictures.")
    return sorted(entry for entry in path.iterdir() if not _is_passed_over(entry.name))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_BY_SYSTEMS


def _files(path: Path) -> Iterator[Path]:
    for entry in _entries(path):
        if entry.is_dir():
            yield from _files(entry)
        else:
            yield entry
