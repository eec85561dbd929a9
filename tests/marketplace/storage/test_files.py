"""Where files live, on a local disk."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from marketplace import storage


def test_what_is_stored_can_be_read_and_removed(own_files: Path) -> None:
    storage.put_stream("a/b", ContentFile(b"one"))
    with storage.local_copy("a/b") as path:
        assert path.read_bytes() == b"one"
    with default_storage.open("a/b") as file:
        assert file.read() == b"one"
    storage.remove("a/b")
    storage.remove("a/b")
    assert storage.names_in("a") == []


@pytest.mark.parametrize(("first", "n_bytes"), [(0, None), (1, 3), (3, None), (4, 0), (5, None)])
def test_any_part_can_be_read(own_files: Path, first: int, n_bytes: int | None) -> None:
    storage.put_stream("a/b", ContentFile(b"12345"))
    chunks = storage.stored_chunks("a/b", first=first, n_bytes=n_bytes)
    assert b"".join(chunks) == b"12345"[first : None if n_bytes is None else first + n_bytes]


def test_a_missing_file_is_noticed_at_its_first_chunk(own_files: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(storage.stored_chunks("nothing"))


def test_storing_again_replaces(own_files: Path) -> None:
    for content in (b"old", b"new"):
        storage.put_stream("a/b", ContentFile(content))
    with storage.local_copy("a/b") as path:
        assert path.read_bytes() == b"new"
    assert storage.names_in("a") == ["b"]


class Breaking(File):
    """A file that breaks off."""

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """One piece, then an error."""
        yield b"half"
        raise OSError("gone")


def test_a_stream_that_breaks_off_leaves_the_old_file_and_nothing_else(own_folder: Path) -> None:
    storage.put_stream("a/b", ContentFile(b"old"))
    with pytest.raises(OSError, match="gone"):
        storage.put_stream("a/b", Breaking(None, name="x"))
    with storage.local_copy("a/b") as path:
        assert path.read_bytes() == b"old"
        assert [file.name for file in path.parent.iterdir()] == ["b"]


def test_a_file_is_put_or_adopted(own_files: Path) -> None:
    source = own_files / "source"
    source.write_bytes(b"x")
    storage.put_file("kept", source)
    assert source.exists()
    storage.adopt_file("a/taken", source)
    assert not source.exists()
    with storage.local_copy("a/taken") as path:
        assert path.read_bytes() == b"x"


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The inodes that were written to the disk itself, in their order."""
    inodes = []
    real = os.fsync

    def note(handle: int) -> None:
        inodes.append(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr("os.fsync", note)
    return inodes


def test_what_is_stored_survives_a_power_cut_together_with_its_name(
    own_folder: Path, synced: list[Any]
) -> None:
    source = own_folder / "source"
    source.write_bytes(b"x")
    storage.adopt_file("new/folder/taken", source)
    storage.put_stream("other/put", ContentFile(b"y"))
    root = own_folder / "files"
    for path in ("new/folder/taken", "new/folder", "new", "other/put", "other", ""):
        assert (root / path).stat().st_ino in synced, path
    assert own_folder.stat().st_ino in synced
    # The bytes come before the name that leads to them.
    file, folder = ((root / path).stat().st_ino for path in ("other/put", "other"))
    assert synced.index(file) < synced.index(folder)


def test_what_lives_for_one_request_does_not_wait_for_the_disk(
    own_files: Path, synced: list[Any]
) -> None:
    storage.put_stream("brief", ContentFile(b"x"), durable=False)
    assert synced == []


def test_unfinished_files_are_not_listed(own_folder: Path) -> None:
    storage.put_stream("a/b", ContentFile(b"x"))
    (own_folder / "files" / "a" / ".part-1").write_bytes(b"y")
    assert storage.names_in("a") == ["b"]
    assert storage.names_in("nothing") == []


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "a/../../outside"])
def test_no_key_leads_out_of_the_folder(own_files: Path, key: str) -> None:
    with pytest.raises(Exception, match=r"outside of the base path|Detected path traversal"):
        storage.put_stream(key, ContentFile(b"x"))
