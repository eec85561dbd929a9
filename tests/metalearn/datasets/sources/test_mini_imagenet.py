from pathlib import Path

import pytest

from metalearn.datasets.sources.mini_imagenet import read_mini_imagenet
from metalearn.errors import InvalidData
from tests.metalearn.datasets.sources.builders import folder, mini_files, zipped


def test_the_list_says_which_pictures_belong_to_the_split(tmp_path: Path) -> None:
    for file in (folder(tmp_path / "mini", mini_files()), zipped(tmp_path / "a", mini_files())):
        data = read_mini_imagenet(file, "train")
        assert data.class_names == ("n01", "n02")
        assert data.images.shape == (4, 3, 84, 84)
        reds = data.images[:, 0].float().mean((1, 2))
        assert reds.round().tolist() == pytest.approx([10, 50, 10, 50], abs=3)


def test_a_picture_that_is_missing_is_named(tmp_path: Path) -> None:
    files = mini_files()
    del files["images/n011.jpg"]
    with pytest.raises(InvalidData, match=r"“n011\.jpg”, which train\.csv names"):
        read_mini_imagenet(zipped(tmp_path / "a", files), "train")


def test_a_list_cannot_reach_outside(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(mini_files()["images/n011.jpg"])
    files = mini_files() | {"train.csv": b"filename,label\n../secret.jpg,n01\n"}
    with pytest.raises(InvalidData, match=r"no picture “\.\./secret\.jpg”"):
        read_mini_imagenet(folder(tmp_path / "mini", files), "train")


@pytest.mark.parametrize(
    "content",
    [b"", b"file,class\na,b\n", b"filename,label\n", b'filename,label\n"' + b"x" * 200_000],
)
def test_a_list_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    files = mini_files() | {"train.csv": content}
    with pytest.raises(InvalidData, match="columns filename and label"):
        read_mini_imagenet(zipped(tmp_path / "a", files), "train")
