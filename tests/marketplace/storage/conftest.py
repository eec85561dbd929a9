"""A real object store, as the storage of a test."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from marketplace.instance.environment import read_environment
from marketplace.instance.object_store import object_store
from marketplace.storage import growing_multipart
from tests.tools import find_rclone, s3_server

MIB = 2**20


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """An S3 server with one bucket."""
    if not find_rclone():
        pytest.skip("rclone is not on this machine")
    with s3_server() as variables:
        yield variables


@pytest.fixture(params=["", "some/folder"], ids=["the whole bucket", "a folder of it"])
def store(
    request: pytest.FixtureRequest,
    server: dict[str, str],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Storage in that bucket; parts may be small, as no real store allows."""
    entry = object_store(read_environment(server))
    entry["OPTIONS"]["location"] = request.param
    settings.S3_BUCKET = server["FREEHOLD_S3_BUCKET"]
    settings.STORAGES = {**settings.STORAGES, "default": entry}
    monkeypatch.setattr(growing_multipart, "_MIN_PART_BYTES", MIB)
