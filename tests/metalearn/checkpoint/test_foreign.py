"""Files of other kinds are refused by their right name, with the one thing that helps."""

from pathlib import Path

import pytest

from metalearn.checkpoint import read_tensors
from metalearn.errors import InvalidCheckpoint


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "“git lfs pull”"),
        (b"<!doctype html><title>Sign in</title>", "HTML or XML page.*needs a login"),
        (b"\n\n  <html>", "HTML or XML page"),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "Keras or HDF5 file; only PyTorch models"),
        (b"\x08\x08\x12\x07pytorch" + bytes(60), "ONNX model.*that it was exported from"),
    ],
)
def test_files_of_other_kinds_are_named(data: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(InvalidCheckpoint, match=says):
        read_tensors(tmp_path / "file")
