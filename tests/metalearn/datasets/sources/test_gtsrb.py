from pathlib import Path

from metalearn.datasets.sources.gtsrb import classes_of, read_gtsrb
from tests.metalearn.datasets.sources.builders import gtsrb_files, zipped


def test_signs_keep_their_tracks(tmp_path: Path) -> None:
    data = read_gtsrb(zipped(tmp_path / "a.zip", gtsrb_files()), "val")
    assert data.class_names == classes_of("val") and len(data.class_names) == 6
    assert data.images.shape == (24, 3, 32, 32)
    assert data.tracks is not None and data.tracks[:8].tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert int(data.images[0, 0, 0, 0]) == int(data.class_names[0])


def test_all_43_classes_are_in_a_split() -> None:
    assert [len(classes_of(split)) for split in ("train", "val", "test")] == [27, 6, 10]
