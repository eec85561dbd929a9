"""Reading from a real object store."""

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from django.core.files.base import ContentFile
from pytest_django import Settings

from marketplace import storage
from marketplace.storage import objects

pytestmark = pytest.mark.services
CONTENT = bytes(range(256)) * 4096


@pytest.fixture
def key(store: None) -> str:
    """A stored object of a megabyte."""
    storage.put_stream("a/b", ContentFile(CONTENT))
    return "a/b"


@pytest.mark.parametrize(
    ("first", "n_bytes"), [(0, None), (0, 1), (5, 300_000), (300_000, None), (2**20 - 1, 1)]
)
def test_any_part_can_be_read(key: str, first: int, n_bytes: int | None) -> None:
    chunks = list(storage.stored_chunks(key, first=first, n_bytes=n_bytes))
    end = None if n_bytes is None else first + n_bytes
    assert b"".join(chunks) == CONTENT[first:end]
    assert max(map(len, chunks)) <= 256 * 1024


def test_an_empty_object_has_no_bytes(store: None) -> None:
    storage.put_stream("empty", ContentFile(b""))
    assert list(storage.stored_chunks("empty")) == []


def test_only_what_is_asked_for_crosses_the_network(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    client = objects.client()
    real = client.get_object

    def get_object(**options: Any) -> Any:
        asked.append(options)
        return real(**options)

    monkeypatch.setattr(client, "get_object", get_object)
    monkeypatch.setattr(objects, "client", lambda: client)
    list(storage.stored_chunks(key, first=10, n_bytes=20))
    assert [options["Range"] for options in asked] == ["bytes=10-29"]


def test_a_missing_object_is_a_missing_file(store: None, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(storage.stored_chunks("nothing"))
    with pytest.raises(FileNotFoundError):
        storage.fetch("nothing", tmp_path / "copy")


def test_an_object_is_copied_to_a_file(key: str, tmp_path: Path) -> None:
    storage.fetch(key, tmp_path / "new" / "copy")
    assert (tmp_path / "new" / "copy").read_bytes() == CONTENT


def test_other_failures_are_those_of_a_disk(key: str, settings: Settings) -> None:
    settings.S3_BUCKET = "no-such-bucket"
    with pytest.raises(OSError, match="object store failed"):
        next(storage.stored_chunks(key))
    with pytest.raises(OSError, match="object store failed"), objects.store_errors():
        raise EndpointConnectionError(endpoint_url="http://store")
