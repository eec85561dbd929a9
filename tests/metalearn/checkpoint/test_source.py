from pathlib import Path

import pytest

from metalearn.checkpoint.source import Source
from metalearn.errors import InvalidCheckpoint


def test_only_bytes_inside_the_file_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    with Source(tmp_path / "file") as source:
        assert source.read(3, 4) == b"3456"
        assert source.head(99) == b"0123456789"
        for offset, length in ((7, 4), (-1, 2), (2, -1), (10, 1)):
            with pytest.raises(InvalidCheckpoint, match="cut off"):
                source.read(offset, length)


def test_a_file_that_shrinks_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(100))
    with Source(tmp_path / "file") as source:
        (tmp_path / "file").write_bytes(bytes(10))
        with pytest.raises(InvalidCheckpoint, match="cut off"):
            source.read(0, 100)
