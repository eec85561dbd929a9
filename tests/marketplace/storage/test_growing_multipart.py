"""A growing file in a real object store."""

import os
from uuid import UUID, uuid4

import pytest
from django.core.files.storage import default_storage
from pytest_django import Settings

from marketplace import storage
from marketplace.storage import growing_file

MIB = 2**20
pytestmark = pytest.mark.services


def append(pk: UUID, name: str, content: bytes, offset: int, end: int) -> None:
    """One request's worth, in uneven pieces."""
    file = growing_file.open_at(pk, name, offset=offset, length=len(content))
    for at in range(offset, end, 300_001):
        file.write(content[at : min(end, at + 300_001)])
    file.sync()
    file.close()


def stored(pk: UUID) -> bytes:
    """What validation would read."""
    with storage.local_copy(storage.incoming_key(pk)) as path:
        return path.read_bytes()


@pytest.mark.parametrize("length", [1000, 2 * MIB, 3 * MIB + 12345])
def test_a_file_grows_over_many_requests(store: None, length: int) -> None:
    pk, content = uuid4(), os.urandom(length)
    name = growing_file.begin(pk)
    offset = 0
    while offset < length:
        end = min(length, offset + 700_000)
        append(pk, name, content, offset, end)
        offset = end
    growing_file.finish(pk, name, length=length)
    assert stored(pk) == content
    assert storage.names_in(f"incoming-tails/{pk}") == []
    growing_file.finish(pk, name, length=length)
    assert stored(pk) == content


def test_what_was_sent_but_not_counted_is_sent_again(store: None) -> None:
    pk, content = uuid4(), os.urandom(3 * MIB)
    name = growing_file.begin(pk)
    append(pk, name, content, 0, 700_000)
    # A process that died before its row said so: the next one goes on from the old offset.
    append(pk, name, content, 700_000, 2_500_000)
    append(pk, name, content, 700_000, 3 * MIB)
    growing_file.finish(pk, name, length=len(content))
    assert stored(pk) == content


def test_a_file_that_is_given_up_leaves_nothing(store: None) -> None:
    pk, content = uuid4(), os.urandom(2 * MIB)
    name = growing_file.begin(pk)
    append(pk, name, content, 0, 1_500_000)
    growing_file.discard(pk, name)
    growing_file.discard(pk, name)
    growing_file.discard(uuid4(), "")
    assert not default_storage.exists(storage.incoming_key(pk))
    assert storage.names_in(f"incoming-tails/{pk}") == []


def test_lost_bytes_are_noticed(store: None) -> None:
    pk, content = uuid4(), os.urandom(2 * MIB)
    name = growing_file.begin(pk)
    append(pk, name, content, 0, 1_500_000)
    with pytest.raises(OSError):
        growing_file.finish(pk, name, length=len(content))
    storage.remove(f"incoming-tails/{pk}/2")
    with pytest.raises(growing_file.BytesLost):
        growing_file.open_at(pk, name, offset=1_500_000, length=len(content))


def test_a_store_that_fails_is_a_disk_that_fails(store: None, settings: Settings) -> None:
    settings.S3_BUCKET = "no-such-bucket"
    with pytest.raises(OSError, match="object store"):
        growing_file.begin(uuid4())
