from pathlib import Path

import pytest

from metalearn.datasets.sources.cifar_fs import CLASSES, read_cifar_fs
from metalearn.errors import InvalidData
from tests.metalearn.datasets.sources.builders import CIFAR_NAMES, cifar_files, tar

PREFIX = "cifar-100-binary/"


def test_the_split_is_bertinettos() -> None:
    sizes = {split: len(names) for split, names in CLASSES.items()}
    assert sizes == {"train": 64, "val": 16, "test": 20}
    assert len(set(CIFAR_NAMES)) == 100
    assert all(list(names) == sorted(names) for names in CLASSES.values())


@pytest.mark.parametrize("split", CLASSES)
def test_pictures_of_both_parts_are_read(split: str, tmp_path: Path) -> None:
    data = read_cifar_fs(tar(tmp_path / "a.tar.gz", cifar_files()), split)
    assert data.class_names == CLASSES[split]
    assert data.images.shape == (3 * len(CLASSES[split]), 3, 32, 32)
    for label, images in enumerate(data.by_class()):
        assert set(images[:, 0].flatten().tolist()) == {CIFAR_NAMES.index(CLASSES[split][label])}
        assert set(images[:, 1, 0].flatten().tolist()) == {7}
        assert int(images[:, 1, 1:].max()) == 0


def test_the_python_version_is_refused_with_the_name_of_the_other(tmp_path: Path) -> None:
    files = {f"cifar-100-python/{name}": b"\x80\x02}q." for name in ("meta", "test", "train")}
    with pytest.raises(
        InvalidData, match=r"pickles and are not read; .* cifar-100-binary\.tar\.gz"
    ):
        read_cifar_fs(tar(tmp_path / "a.tar.gz", files), "train")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    files = cifar_files()
    cut = files | {f"{PREFIX}train.bin": files[f"{PREFIX}train.bin"][:-1]}
    with pytest.raises(InvalidData, match=r"train\.bin in .* is cut off"):
        read_cifar_fs(tar(tmp_path / "a", cut), "train")
    empty = files | {f"{PREFIX}test.bin": b""}
    with pytest.raises(InvalidData, match=r"test\.bin in .* is cut off"):
        read_cifar_fs(tar(tmp_path / "b", empty), "train")
    del files[f"{PREFIX}test.bin"]
    with pytest.raises(InvalidData, match=r"has no test\.bin"):
        read_cifar_fs(tar(tmp_path / "c", files), "train")


def test_names_that_are_not_those_of_cifar_are_refused(tmp_path: Path) -> None:
    names = f"{PREFIX}fine_label_names.txt"
    for content, says in ((b"cat\ndog\n", "class “apple”"), (b"\xff\xfe\x00", "not text")):
        with pytest.raises(InvalidData, match=says):
            read_cifar_fs(tar(tmp_path / "a", cifar_files() | {names: content}), "train")
