"""CUB-200-2011 (Wah et al. 2011): 200 kinds of birds, in the few-shot literature's class split.

With classes numbered from zero in order, even ones are train, those with remainder 1 modulo 4 are
val, the others test (Chen et al. 2019; algorithms.md 0.1). Pictures are resized to 84 x 84 pixels
without cropping.
"""

from pathlib import Path, PurePosixPath

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.sources.archive import members
from metalearn.datasets.sources.pictures import picture_of
from metalearn.datasets.sources.source import Collection, Source, missing, text_of
from metalearn.errors import InvalidData

IMAGE_SIZE = 84
_CLASSES, _IMAGES = "classes.txt", "images.txt"
_FOLDER = "images"


def split_of(index: int) -> str:
    """Return the split of a class by its index in the order of names."""
    if index % 2 == 0:
        return "train"
    return "val" if index % 4 == 1 else "test"


def read_cub(file: Path, split: str) -> ImageSet:
    lists = _lists(file)
    chosen = tuple(n for i, n in enumerate(sorted(lists[_CLASSES])) if split_of(i) == split)
    if not chosen:
        raise missing(file, f"classes of the split {split}")
    awaited = {name for name in lists[_IMAGES] if _class_of(name) in chosen}
    collection = Collection(chosen, file)
    for path, content in members(file, lambda path: _below_images(path) in awaited):
        name = _below_images(path)
        if name in awaited:
            awaited.remove(name)
            picture = picture_of(content, name, file, channels=3, size=IMAGE_SIZE)
            collection.add(_class_of(name), name, picture)
    if awaited:
        raise missing(file, f"picture “{min(awaited)}”, which {_IMAGES} names")
    return collection.finish()


def _lists(file: Path) -> dict[str, list[str]]:
    """Read the names of classes and pictures, from lines of a number and a name each."""
    found = {
        PurePosixPath(path).name: text_of(content, file)
        for path, content in members(file, _is_list)
    }
    for name in (_CLASSES, _IMAGES):
        if name not in found:
            raise missing(file, f"list {name}")
    lines = {name: [line.split() for line in text.splitlines()] for name, text in found.items()}
    if any(len(line) != 2 for rows in lines.values() for line in rows):
        raise InvalidData(
            f"A list in “{file}” is not one of numbers and names; give CUB_200_2011.tgz."
        )
    return {name: [line[1] for line in rows] for name, rows in lines.items()}


def _is_list(path: str) -> bool:
    # Other folders of the archive have lists of the same names.
    parts = PurePosixPath(path).parts
    return parts[-1] in {_CLASSES, _IMAGES} and parts[:-1] in {(), ("CUB_200_2011",)}


def _below_images(path: str) -> str:
    """Return “001.Albatross/a.jpg” for “CUB_200_2011/images/001.Albatross/a.jpg”, else ""."""
    parts = PurePosixPath(path).parts
    return "/".join(parts[-2:]) if len(parts) >= 3 and parts[-3] == _FOLDER else ""


def _class_of(name: str) -> str:
    return name.partition("/")[0]


SOURCE = Source(
    name="cub-200-2011",
    title="CUB-200-2011, birds (100, 50 and 50 classes)",
    files="CUB_200_2011.tgz",
    read=read_cub,
)
