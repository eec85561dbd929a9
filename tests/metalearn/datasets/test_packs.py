import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from metalearn.datasets import read_data, read_pack
from metalearn.datasets.packs import write_pack
from metalearn.errors import InvalidData

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
GOOD: dict[str, Any] = {
    "images": PIXELS,
    "labels": np.array([0, 0, 1, 1, 2, 2]),
    "class_names": np.array(["a", "b", "c"]),
}


def jpeg_pack() -> dict[str, Any]:
    files = []
    for pixels in PIXELS:
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((50, 40)).save(buffer, "JPEG")
        files.append(buffer.getvalue())
    offsets = np.cumsum([0, *map(len, files)])
    return {
        "jpeg": np.frombuffer(b"".join(files), dtype=np.uint8),
        "offsets": offsets,
        "labels": GOOD["labels"],
        "class_names": GOOD["class_names"],
    }


def pack(folder: Path, arrays: dict[str, Any]) -> Path:
    path = folder / "pack.npz"
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def test_a_pack_of_raw_images_is_read(tmp_path: Path) -> None:
    data = read_pack(pack(tmp_path, GOOD))
    assert data.images.shape == (6, 3, 8, 8)
    assert (data.images[3].permute(1, 2, 0).numpy() == PIXELS[3]).all()
    assert data.class_names == ("a", "b", "c")
    assert [len(images) for images in data.by_class()] == [2, 2, 2]
    assert data.image_size == 8 and data.channels == 3


def test_a_pack_of_jpeg_bytes_is_decoded_to_the_size_asked_for(tmp_path: Path) -> None:
    data = read_pack(pack(tmp_path, jpeg_pack()), image_size=16)
    assert data.images.shape == (6, 3, 16, 16)


def test_colour_becomes_grey_and_grey_colour(tmp_path: Path) -> None:
    path = pack(tmp_path, GOOD)
    grey = read_data(path, channels=1, image_size=32)
    assert grey.images.shape == (6, 1, 8, 8)
    expected = np.asarray(Image.fromarray(PIXELS[0]).convert("L")).astype(int)
    assert abs(grey.images[0, 0].numpy().astype(int) - expected).max() <= 1
    colour = grey.with_channels(3)
    assert (colour.images[:, 1] == grey.images[:, 0]).all()
    with pytest.raises(InvalidData, match="1 or 3"):
        colour.with_channels(4)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": None}, "no labels"),
        ({"class_names": None}, "no labels or class_names"),
        ({"images": None}, "neither images"),
        ({"labels": np.zeros((6, 1), dtype=int)}, "labels are not"),
        ({"labels": np.zeros(6)}, "labels are not"),
        ({"class_names": np.array([1, 2])}, "not texts"),
        ({"labels": np.array([0, 0, 1, 1, 2, 3])}, "run from 0 to 3"),
        ({"labels": np.array([-1, 0, 1, 1, 2, 2])}, "run from -1"),
        ({"labels": np.array([0])}, "6 pictures but 1 labels"),
        ({"images": PIXELS.astype(float)}, "uint8"),
        ({"images": PIXELS[:, :4]}, "uint8"),
        ({"images": PIXELS[0]}, "uint8"),
        ({"images": PIXELS[:0], "labels": np.zeros(0, dtype=int)}, "no pictures"),
        ({"class_names": np.array(["a", None], dtype=object)}, "without pickles"),
    ],
)
def test_a_bad_pack_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidData, match=says):
        read_pack(pack(tmp_path, GOOD | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"offsets": np.array([0, 5, 3])}, "offsets"),
        ({"offsets": np.array([0, 10**9])}, "offsets"),
        ({"offsets": np.array([-1, 5])}, "offsets"),
        ({"offsets": np.array([], dtype=int)}, "offsets"),
        ({"offsets": np.array([0.0, 5.0])}, "wrong kind"),
        ({"offsets": np.array([0, 1, 2, 3, 4, 5, 6])}, "picture 0"),
    ],
)
def test_a_bad_jpeg_pack_is_refused(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidData, match=says):
        read_pack(pack(tmp_path, jpeg_pack() | changes))


def test_files_that_are_no_packs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pack.npz"
    with pytest.raises(InvalidData, match="does not exist"):
        read_pack(path)
    for content in (b"", b"PK\x03\x04 nonsense", b"\x80\x04."):
        path.write_bytes(content)
        with pytest.raises(InvalidData, match="not a data pack"):
            read_pack(path)
    np.save(tmp_path / "one.npy", PIXELS)
    with pytest.raises(InvalidData, match="not a data pack"):
        read_pack(tmp_path / "one.npy")


def test_groups_are_tracks_by_another_name_and_may_be_texts(tmp_path: Path) -> None:
    groups = np.array(["shelf", "fridge", "shelf", "shelf", "door", "door"])
    data = read_pack(pack(tmp_path, GOOD | {"group": groups}))
    assert data.tracks is not None and data.tracks.tolist() == [2, 1, 2, 2, 0, 0]
    with pytest.raises(InvalidData, match="both a track and a group"):
        read_pack(pack(tmp_path, GOOD | {"group": groups, "track": np.arange(6)}))


def test_tracks_are_kept_and_must_fit_the_pictures(tmp_path: Path) -> None:
    tracks = np.array([0, 0, 0, 1, 0, 1])
    data = read_pack(pack(tmp_path, GOOD | {"track": tracks}))
    assert data.tracks is not None and data.tracks.tolist() == tracks.tolist()
    for bad, says in ((tracks[:3], "6 pictures but 3 tracks"), (tracks / 2, "whole numbers")):
        with pytest.raises(InvalidData, match=says):
            read_pack(pack(tmp_path, GOOD | {"track": bad}))


def test_a_pack_that_is_written_is_the_one_that_is_read(tmp_path: Path) -> None:
    data = read_pack(pack(tmp_path, GOOD))
    write_pack(data, tmp_path / "written.npz")
    again = read_pack(tmp_path / "written.npz")
    assert (again.images == data.images).all() and again.class_names == data.class_names
    assert (again.labels == data.labels).all() and again.tracks is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack.npz", "written.npz"]
