"""A file grows over many requests, on a local disk."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from marketplace import storage
from marketplace.storage import growing_file
from marketplace.storage.errors import BytesLost


@pytest.fixture
def pk(own_folder: Path) -> UUID:
    """The id of an upload."""
    return uuid4()


def append(pk: UUID, offset: int, data: bytes) -> None:
    """One request's bytes."""
    file = growing_file.open_at(pk, "", offset=offset, length=10)
    file.write(data)
    file.sync()
    file.close()


def test_pieces_become_one_file_under_its_key_and_finishing_twice_is_fine(
    pk: UUID, own_folder: Path
) -> None:
    assert growing_file.begin(pk) == ""
    append(pk, 0, b"01234")
    append(pk, 5, b"56789")
    for _ in range(2):
        growing_file.finish(pk, "", length=10)
    with storage.local_copy(storage.incoming_key(pk)) as path:
        assert path.read_bytes() == b"0123456789"
    assert list((own_folder / "incoming").iterdir()) == []


def test_what_was_written_behind_the_offset_is_forgotten(pk: UUID) -> None:
    append(pk, 0, b"01234xxxxx")
    append(pk, 5, b"56")
    growing_file.finish(pk, "", length=7)
    with storage.local_copy(storage.incoming_key(pk)) as path:
        assert path.read_bytes() == b"0123456"


def test_bytes_that_were_lost_are_noticed(pk: UUID) -> None:
    append(pk, 0, b"012")
    with pytest.raises(BytesLost, match="has lost bytes"):
        growing_file.open_at(pk, "", offset=4, length=10)
    growing_file.discard(pk, "")
    growing_file.discard(pk, "")
    with pytest.raises(BytesLost, match="are gone"):
        growing_file.finish(pk, "", length=3)
