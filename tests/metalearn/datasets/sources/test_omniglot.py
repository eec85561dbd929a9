from pathlib import Path

from metalearn.datasets.sources.omniglot import read_omniglot
from tests.metalearn.datasets.sources.builders import omniglot_files, zipped


def test_every_sixth_alphabet_is_held_out(tmp_path: Path) -> None:
    file = zipped(tmp_path / "images_background.zip", omniglot_files())
    val = read_omniglot(file, "val")
    assert val.class_names == tuple(
        f"Alphabet_{letter}/character0{number}" for letter in ("05", "11") for number in (1, 2)
    )
    assert len(read_omniglot(file, "train").class_names) == 20


def test_ink_is_bright_and_paper_dark(tmp_path: Path) -> None:
    data = read_omniglot(zipped(tmp_path / "a.zip", omniglot_files()), "val")
    assert data.images.shape == (8, 1, 28, 28)
    assert (data.images[:, :, :, 2:10] == 255).all() and (data.images[:, :, :, -10:] == 0).all()


def test_the_evaluation_set_is_the_test_split(tmp_path: Path) -> None:
    file = zipped(tmp_path / "images_evaluation.zip", omniglot_files("images_evaluation", 3))
    assert len(read_omniglot(file, "test").class_names) == 6
