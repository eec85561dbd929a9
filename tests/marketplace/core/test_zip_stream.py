"""Zips that are written while they are sent."""

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from marketplace.core.zip_stream import ZipEntry, zip_chunks

AT = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("size", [None, 3, 2**31])
def test_a_zip_has_its_entries_whatever_size_was_announced(size: int | None) -> None:
    entries = [ZipEntry("a/b.txt", AT, [b"a", b"bc"], size), ZipEntry("empty", AT, [], size)]
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_chunks(entries)))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a/b.txt": b"abc",
            "empty": b"",
        }
        assert archive.getinfo("a/b.txt").date_time[:3] == (2026, 11, 30)


def test_an_entry_is_read_when_the_one_before_it_has_been_sent() -> None:
    read: list[str] = []

    def entries() -> Iterator[ZipEntry]:
        for name in ("first", "second"):
            read.append(name)
            yield ZipEntry(name, AT, [name.encode()] * 2)

    chunks = zip_chunks(entries())
    assert b"first" in next(chunks)
    assert read == ["first"]
    assert b"second" in b"".join(chunks)
