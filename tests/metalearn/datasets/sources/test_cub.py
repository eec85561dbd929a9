from pathlib import Path

import pytest

from metalearn.datasets.sources.cub import read_cub, split_of
from metalearn.errors import InvalidData
from tests.metalearn.datasets.sources.builders import CUB_CLASSES, cub_files, tar


def test_two_hundred_classes_are_split_in_100_50_and_50() -> None:
    splits = [split_of(index) for index in range(200)]
    assert splits[:5] == ["train", "val", "train", "test", "train"]
    assert [splits.count(name) for name in ("train", "val", "test")] == [100, 50, 50]


def test_birds_of_a_split_are_read_from_the_archive(tmp_path: Path) -> None:
    file = tar(tmp_path / "CUB_200_2011.tgz", cub_files())
    data = read_cub(file, "val")
    assert data.class_names == (CUB_CLASSES[1], CUB_CLASSES[5])
    assert data.images.shape == (4, 3, 84, 84)
    # Pictures number 2, 3, 10 and 11, whose red is ten times their number.
    reds = data.images[:, 0].float().mean((1, 2)).tolist()
    assert reds == pytest.approx([20, 30, 100, 110], abs=3)
    assert len(read_cub(file, "train").images) == 8


def test_a_bird_that_is_missing_is_named(tmp_path: Path) -> None:
    files = cub_files()
    del files["CUB_200_2011/images/001.Bird_1/Bird_1_1.jpg"]
    with pytest.raises(InvalidData, match=r"“001\.Bird_1/Bird_1_1\.jpg”, which images\.txt names"):
        read_cub(tar(tmp_path / "a", files), "train")


@pytest.mark.parametrize(
    ("content", "says"), [(None, "no list images.txt"), (b"1\n", "numbers and names")]
)
def test_lists_of_another_kind_are_refused(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    files = cub_files()
    del files["CUB_200_2011/images.txt"]
    if content is not None:
        files["CUB_200_2011/images.txt"] = content
    with pytest.raises(InvalidData, match=says):
        read_cub(tar(tmp_path / "a", files), "train")
