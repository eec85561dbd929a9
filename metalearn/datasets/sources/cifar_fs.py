"""CIFAR-FS: CIFAR-100 (Krizhevsky 2009) in the class split of Bertinetto et al. 2019.

Read from the binary version, whose records are a byte for the coarse label, a byte for the fine one
and 3,072 bytes of pixels by channel (https://www.cs.toronto.edu/~kriz/cifar.html). Both parts of
CIFAR-100 are used: 600 pictures per class.
"""

from pathlib import Path, PurePosixPath

import numpy as np
import torch

from metalearn.datasets.image_set import ImageSet
from metalearn.datasets.sources.archive import members
from metalearn.datasets.sources.source import Source, missing, text_of
from metalearn.errors import InvalidData

_PARTS = ("train.bin", "test.bin")
_NAMES = "fine_label_names.txt"
_PYTHON_FILES = {"meta", "train", "test"}
_RECORD = 2 + 3 * 32 * 32

CLASSES = {
    "train": (
        "apple", "aquarium_fish", "bear", "bee", "bottle", "bowl", "boy", "bridge", "bus", "can",
        "castle", "caterpillar", "chair", "clock", "cloud", "cockroach", "couch", "cup",
        "dinosaur", "dolphin", "elephant", "forest", "girl", "hamster", "house", "kangaroo",
        "keyboard", "lawn_mower", "lion", "lizard", "lobster", "mountain", "mouse", "mushroom",
        "oak_tree", "orange", "orchid", "palm_tree", "pear", "pine_tree", "plate", "porcupine",
        "possum", "rabbit", "raccoon", "ray", "road", "seal", "shrew", "skunk", "skyscraper",
        "snake", "spider", "squirrel", "streetcar", "sunflower", "tank", "tiger", "train",
        "trout", "tulip", "turtle", "willow_tree", "wolf",
    ),
    "val": (
        "beaver", "beetle", "butterfly", "camel", "cattle", "crab", "crocodile", "flatfish",
        "lamp", "maple_tree", "motorcycle", "otter", "sea", "shark", "television", "tractor",
    ),
    "test": (
        "baby", "bed", "bicycle", "chimpanzee", "fox", "leopard", "man", "pickup_truck", "plain",
        "poppy", "rocket", "rose", "snail", "sweet_pepper", "table", "telephone", "wardrobe",
        "whale", "woman", "worm",
    ),
}  # fmt: skip


def read_cifar_fs(file: Path, split: str) -> ImageSet:
    """Read a split's 32 x 32 colour pictures by class, CIFAR-100's training part first.

    Raises InvalidData for the Python version of the archive, which consists of pickles.
    """
    found: dict[str, bytes] = {}
    seen: set[str] = set()

    def wanted(name: str) -> bool:
        base = PurePosixPath(name).name
        seen.add(base)
        return base in {*_PARTS, _NAMES}

    for name, content in members(file, wanted):
        found[PurePosixPath(name).name] = content
    if not found and seen >= _PYTHON_FILES:
        raise InvalidData(
            f"“{file}” is the Python version of CIFAR-100, whose files are pickles and are not "
            "read; download cifar-100-binary.tar.gz from the same page."
        )
    for name in (*_PARTS, _NAMES):
        if name not in found:
            raise missing(file, f"{name} of cifar-100-binary.tar.gz")
    names = text_of(found[_NAMES], file).split()
    records = np.concatenate([_records(found[part], part, file) for part in _PARTS])
    return _pictures(records, names, split, file)


def _records(
    content: bytes, part: str, file: Path
) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    if not content or len(content) % _RECORD:
        raise InvalidData(
            f"{part} in “{file}” is cut off: {len(content):,} bytes are not a whole number of "
            f"records of {_RECORD:,}; download it again."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)


def _pictures(
    records: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]",
    names: list[str],
    split: str,
    file: Path,
) -> ImageSet:
    labels, pixels = [], []
    for label, name in enumerate(CLASSES[split]):
        rows = records[records[:, 1] == names.index(name)] if name in names else records[:0]
        if not len(rows):
            raise missing(file, f"pictures of the class “{name}”")
        labels += [label] * len(rows)
        pixels.append(rows[:, 2:].reshape(-1, 3, 32, 32))
    images = torch.from_numpy(np.concatenate(pixels))
    return ImageSet(images, torch.tensor(labels), CLASSES[split])


SOURCE = Source(
    name="cifar-100",
    title="CIFAR-FS, the few-shot split of CIFAR-100 (64, 16 and 20 classes)",
    files="cifar-100-binary.tar.gz",
    read=read_cifar_fs,
)
