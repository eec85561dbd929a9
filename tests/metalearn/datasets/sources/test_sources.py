"""What the data sets have in common."""

from collections.abc import Callable
from pathlib import Path

import pytest

from metalearn.datasets.sources import SOURCES, SPLITS
from metalearn.errors import InvalidData
from tests.metalearn.datasets.sources import builders

MAKE: dict[str, Callable[[], dict[str, bytes]]] = {
    "cifar-100": builders.cifar_files,
    "mini-imagenet": builders.mini_files,
    "cub-200-2011": builders.cub_files,
    "omniglot": lambda: builders.omniglot_files() | builders.omniglot_files("images_evaluation", 2),
    "gtsrb": builders.gtsrb_files,
}


@pytest.mark.parametrize("name", SOURCES)
def test_no_class_is_in_two_splits(name: str, tmp_path: Path) -> None:
    file = builders.zipped(tmp_path / "a.zip", MAKE[name]())
    splits = [SOURCES[name].read(file, split) for split in SPLITS]
    seen = [class_name for data in splits for class_name in data.class_names]
    assert len(seen) == len(set(seen))
    for data in splits:
        assert list(data.labels) == sorted(data.labels)
        assert set(data.labels.tolist()) == set(range(len(data.class_names)))


@pytest.mark.parametrize("name", SOURCES)
def test_an_archive_of_something_else_is_refused(name: str, tmp_path: Path) -> None:
    file = builders.zipped(tmp_path / "a.zip", {"readme.txt": b"hello"})
    with pytest.raises(InvalidData, match="own archive"):
        SOURCES[name].read(file, "train")


@pytest.mark.parametrize("name", ["mini-imagenet", "cub-200-2011", "omniglot", "gtsrb"])
def test_a_damaged_picture_is_named(name: str, tmp_path: Path) -> None:
    files = MAKE[name]()
    pictures = [path for path in files if path.endswith((".jpg", ".png", ".ppm"))]
    files |= {path: files[path][:60] for path in pictures}
    with pytest.raises(InvalidData, match="cannot be read"):
        SOURCES[name].read(builders.zipped(tmp_path / "a.zip", files), "train")
