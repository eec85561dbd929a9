"""Labelled images: single pictures, folders with one sub-folder per class, and data packs."""

from pathlib import Path

from metalearn.datasets.darkness import PictureWarning, is_nearly_black, nearly_black
from metalearn.datasets.folders import class_folders, read_folder, read_pictures
from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.images import MAX_PIXELS, Pixels, decode_image
from metalearn.datasets.own_pictures import OwnPictures, read_own_pictures
from metalearn.datasets.packs import read_pack

__all__ = [
    "MAX_PIXELS",
    "ImageSet",
    "OwnPictures",
    "PictureWarning",
    "Pixels",
    "class_folders",
    "decode_image",
    "is_nearly_black",
    "nearly_black",
    "read_data",
    "read_folder",
    "read_own_pictures",
    "read_pack",
    "read_pictures",
]


def read_data(path: Path, *, channels: int, image_size: int) -> ImageSet:
    """Read a pack or class folders in grey (1) or colour (3); a raw pack keeps its image size."""
    if path.is_dir():
        return read_folder(path, channels=channels, image_size=image_size)
    return read_pack(path, image_size=image_size).with_channels(channels)
