import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metalearn.datasets import PictureWarning, read_data, read_folder, read_pictures
from metalearn.errors import InvalidData


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in (("cat", "red"), ("ant", "blue")):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.new("RGB", (40, 20), colour).save(tmp_path / name / f"{index}.png")
    return tmp_path


def test_each_sub_folder_is_a_class_in_the_order_of_names(folder: Path) -> None:
    data = read_data(folder, channels=3, image_size=8)
    assert data.class_names == ("ant", "cat")
    assert data.labels.tolist() == [0, 0, 1, 1]
    assert data.images[0, :, 0, 0].tolist() == [0, 0, 255]
    assert data.images.shape == (4, 3, 8, 8)


def test_hidden_files_and_what_systems_leave_behind_are_passed_over(folder: Path) -> None:
    (folder / ".git").mkdir()
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "._0.png").write_bytes(b"x")
    (folder / "cat" / "Thumbs.db").write_bytes(b"x")
    (folder / "desktop.ini").write_bytes(b"x")
    (folder / "cat" / "Desktop.ini").write_bytes(b"x")
    for where in (folder, folder / "cat"):
        (where / "__MACOSX" / "cat").mkdir(parents=True)
        (where / "__MACOSX" / "cat" / "0.png").write_bytes(b"x")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = read_folder(folder, channels=1, image_size=8)
    assert data.class_names == ("ant", "cat")
    assert len(data.images) == 4


def test_pictures_in_deeper_folders_belong_to_the_class(folder: Path) -> None:
    (folder / "cat" / "more").mkdir()
    (folder / "cat" / "0.png").rename(folder / "cat" / "more" / "0.png")
    assert read_folder(folder, channels=3, image_size=8).labels.tolist() == [0, 0, 1, 1]


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "cat" / "notes.txt").write_text("no picture")
    with pytest.raises(InvalidData, match=r"notes\.txt” cannot be read; use a whole PNG, JPEG"):
        read_folder(folder, channels=3, image_size=8)


def test_an_immense_file_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("metalearn.datasets.folders.MAX_FILE_BYTES", 10)
    with pytest.raises(InvalidData, match="larger"):
        read_folder(folder, channels=3, image_size=8)


def test_an_empty_class_is_refused(folder: Path) -> None:
    (folder / "dog").mkdir()
    with pytest.raises(InvalidData, match="dog” has no pictures"):
        read_folder(folder, channels=3, image_size=8)


def test_a_folder_without_classes_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="sub-folders"):
        read_folder(tmp_path, channels=3, image_size=8)
    with pytest.raises(InvalidData, match="not a folder"):
        read_folder(tmp_path / "missing", channels=3, image_size=8)


def test_loose_pictures_come_with_their_files(folder: Path) -> None:
    files = [str(f.relative_to(folder)) for f, _ in read_pictures(folder, 3, 8)]
    assert files == ["ant/0.png", "ant/1.png", "cat/0.png", "cat/1.png"]


def twelve_bits(path: Path, most: int = 4095) -> None:
    Image.fromarray(np.full((9, 9), most, dtype=np.uint16)).save(path)


def test_pictures_of_12_bits_in_16_are_named_once_for_all(folder: Path) -> None:
    twelve_bits(folder / "ant" / "9.png")
    with pytest.warns(PictureWarning, match=r"9\.png” looks nearly black.*multiply") as found:
        read_folder(folder, channels=1, image_size=8)
    assert [one.category for one in found].count(PictureWarning) == 1
    twelve_bits(folder / "cat" / "9.tif")
    twelve_bits(folder / "cat" / "99.png")
    with pytest.warns(PictureWarning, match=r"ant/9\.png” and 2 others look") as found:
        read_folder(folder, channels=1, image_size=8)
    assert [one.category for one in found].count(PictureWarning) == 1
    with pytest.warns(PictureWarning, match=r"9\.tif” and 1 other look"):
        list(read_pictures(folder / "cat", 1, 8))


def test_pictures_that_need_their_16_bits_are_not_remarked_on(folder: Path) -> None:
    twelve_bits(folder / "ant" / "9.png", 4096)
    Image.new("L", (9, 9), 3).save(folder / "ant" / "8.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_folder(folder, channels=1, image_size=8)
