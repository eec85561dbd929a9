"""GTSRB (Stallkamp et al. 2012): 43 kinds of traffic signs, in films of 30 frames each.

The class split (27, 6 and 10 classes) is our own. The frames of a track show one sign as a car
approaches; tasks must keep support and query on different tracks.
"""

from pathlib import Path, PurePosixPath

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.sources.archive import members
from metalearn.datasets.sources.pictures import picture_of
from metalearn.datasets.sources.source import Collection, Source

IMAGE_SIZE = 32
_N_CLASSES = 43
_VAL = (8, 15, 16, 36, 38, 40)
_TEST = (1, 11, 13, 14, 18, 20, 21, 25, 30, 42)
_FORMATS = ("PPM",)


def classes_of(split: str) -> tuple[str, ...]:
    """Return the folder names of a split's classes, such as “00014”."""
    others = {"val": _VAL, "test": _TEST}
    train = sorted(set(range(_N_CLASSES)) - set(_VAL) - set(_TEST))
    return tuple(f"{number:05}" for number in others.get(split, train))


def read_gtsrb(file: Path, split: str) -> ImageSet:
    chosen = set(classes_of(split))
    collection = Collection(classes_of(split), file)
    for path, content in members(file, lambda name: _class_of(name) in chosen):
        name = PurePosixPath(path).name
        picture = picture_of(content, name, file, channels=3, size=IMAGE_SIZE, formats=_FORMATS)
        collection.add(_class_of(path), name, picture, track=int(name.partition("_")[0]))
    return collection.finish()


def _class_of(path: str) -> str:
    """Return “00014” for “GTSRB/Final_Training/Images/00014/00002_00029.ppm”, else ""."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3 or parts[-3] != "Images" or not parts[-1].endswith(".ppm"):
        return ""
    track, _, frame = parts[-1].removesuffix(".ppm").partition("_")
    return parts[-2] if _is_number(track) and _is_number(frame) else ""


def _is_number(text: str) -> bool:
    return len(text) == 5 and text.isascii() and text.isdigit()


SOURCE = Source(
    name="gtsrb",
    title="GTSRB, traffic signs (27, 6 and 10 classes)",
    files="GTSRB_Final_Training_Images.zip",
    read=read_gtsrb,
)
