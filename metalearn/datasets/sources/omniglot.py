"""Omniglot (Lake et al. 2015): characters of 50 alphabets, 20 drawings of each.

train and val are alphabets of images_background.zip: in order of name, every sixth is val. test is
all of images_evaluation.zip. This split is our own and never divides an alphabet. Drawings are 28 x
28 grey with ink 255 and paper 0.
"""

from pathlib import Path, PurePosixPath

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.sources.archive import members, names
from metalearn.datasets.sources.pictures import picture_of
from metalearn.datasets.sources.source import Collection, Source, missing

IMAGE_SIZE = 28
_FOLDERS = {"train": "images_background", "val": "images_background", "test": "images_evaluation"}


def read_omniglot(file: Path, split: str) -> ImageSet:
    """Read a split's 28 x 28 grey pictures; a class is called “Alphabet/character01”."""
    classes = sorted({character for name in names(file) if (character := _character(name, split))})
    chosen = _of_split(classes, split)
    if not chosen:
        raise missing(file, f"folder {_FOLDERS[split]} with alphabets of the split {split}")
    collection = Collection(chosen, file)
    for path, content in members(file, lambda name: _character(name, split) in chosen):
        name = PurePosixPath(path).name
        picture = picture_of(content, name, file, channels=1, size=IMAGE_SIZE)
        collection.add(_character(path, split), name, 255 - picture)
    return collection.finish()


def _of_split(classes: list[str], split: str) -> tuple[str, ...]:
    if split == "test":
        return tuple(classes)
    alphabets = sorted({character.partition("/")[0] for character in classes})
    held_out = set(alphabets[5::6])
    return tuple(
        character
        for character in classes
        if (character.partition("/")[0] in held_out) == (split == "val")
    )


def _character(path: str, split: str) -> str:
    """Return “Greek/character01” for “images_background/Greek/character01/0394_01.png”, else ""."""
    parts = PurePosixPath(path).parts
    if len(parts) < 4 or parts[-4] != _FOLDERS[split] or not parts[-1].endswith(".png"):
        return ""
    return f"{parts[-3]}/{parts[-2]}"


SOURCE = Source(
    name="omniglot",
    title="Omniglot, characters (split by alphabet)",
    files="images_background.zip for train and val, images_evaluation.zip for test",
    read=read_omniglot,
)
