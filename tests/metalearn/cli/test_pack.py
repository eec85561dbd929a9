"""`pack` writes what `read_pack` reads, and refuses in one sentence."""

from pathlib import Path

import pytest
import torch

from metalearn.cli import main
from metalearn.datasets import read_pack
from metalearn.datasets.sources.gtsrb import read_gtsrb
from tests.metalearn.datasets.sources.builders import cifar_files, gtsrb_files, tar, zipped


def pack(dataset: str, file: Path, out: Path, split: str = "val") -> int:
    return main(["pack", dataset, str(file), "--split", split, "--out", str(out)])


def test_an_archive_becomes_a_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tar(tmp_path / "cifar-100-binary.tar.gz", cifar_files())
    assert pack("cifar-100", file, tmp_path / "val.npz") == 0
    assert "48 pictures of 16 classes, 32 x 32 pixels" in capsys.readouterr().out
    assert read_pack(tmp_path / "val.npz").class_names[0] == "beaver"
    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, "val.npz"]


def test_a_pack_keeps_the_tracks(tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", gtsrb_files())
    assert pack("gtsrb", file, tmp_path / "val.npz") == 0
    data, read = read_gtsrb(file, "val"), read_pack(tmp_path / "val.npz")
    assert torch.equal(data.images, read.images) and torch.equal(data.labels, read.labels)
    assert data.tracks is not None and read.tracks is not None
    assert torch.equal(data.tracks, read.tracks)


def test_pack_refuses_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.npz").touch()
    for file, out, says in (
        ("missing", "new.npz", "does not exist"),
        ("there.npz", "there.npz", "exists or is not called .npz"),
        ("there.npz", "new.zip", "exists or is not called .npz"),
        ("there.npz", "new.npz", "not a whole zip or tar"),
    ):
        assert pack("omniglot", tmp_path / file, tmp_path / out) == 2
        errors = capsys.readouterr().err
        assert says in errors and errors.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.npz"]
