"""A folder of one's own pictures: what is read of it, in which order, and what is not."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from metalearn.datasets import read_own_pictures
from metalearn.datasets.own_pictures import OwnPictures
from metalearn.errors import InvalidData


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six grey pictures whose brightness tells them apart, two of them in a sub-folder."""
    inside = tmp_path / "own" / "more"
    inside.mkdir(parents=True)
    for index in range(6):
        name = f"{index}.{('jpg', 'png', 'webp')[index % 3]}"
        place = inside if index > 3 else inside.parent
        Image.new("RGB", (40, 30), (40 * index,) * 3).save(place / name)
    return inside.parent


def brightness(found: OwnPictures) -> list[int]:
    return [round(float(one.float().mean()) / 40) for one in found.pixels]


def read(folder: Path, most: int = 100) -> OwnPictures:
    return read_own_pictures(folder, channels=3, size=16, most=most)


def test_pictures_come_in_the_order_of_their_names_as_bytes_of_one_size(folder: Path) -> None:
    found = read(folder)
    assert brightness(found) == [0, 1, 2, 3, 4, 5]
    assert found.pixels.shape == (6, 3, 16, 16) and found.pixels.dtype == torch.uint8
    assert found.left_out == 0


def test_of_many_as_many_as_wanted_are_read_spread_over_the_names(folder: Path) -> None:
    assert brightness(read(folder, most=3)) == [0, 2, 4]


def test_what_is_no_picture_is_left_out_and_counted_and_other_files_are_passed_over(
    folder: Path,
) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (folder / "really.png").write_bytes(b"GIF89a" + bytes(30))
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_bytes(b"")
    found = read(folder)
    assert (len(found.pixels), found.left_out) == (6, 2)


def test_symbolic_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "white").save(tmp_path / "secret.png")
    (folder / "file.png").symlink_to(tmp_path / "secret.png")
    (folder / "folder").symlink_to(tmp_path)
    assert brightness(read(folder)) == [0, 1, 2, 3, 4, 5]


def test_another_name_or_size_gives_another_digest_and_the_same_files_the_same(
    folder: Path,
) -> None:
    before = read(folder).digest
    assert read(folder).digest == before
    (folder / "0.jpg").rename(folder / "00.jpg")
    renamed = read(folder).digest
    (folder / "00.jpg").write_bytes((folder / "00.jpg").read_bytes() + b"x")
    assert len({before, renamed, read(folder).digest}) == 3


def test_a_folder_without_pictures_and_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="has no picture that can be read; add"):
        read(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(InvalidData, match="is not a folder; give one"):
        read(tmp_path / "file")
