"""Uploads on their way in."""

import gc
import hashlib
import os
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import UnreadablePostError
from django.test import RequestFactory
from django.urls import reverse
from pytest_django import Settings

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.core.errors import DomainError, InsufficientStorage, TooLarge
from marketplace.uploads.received import (
    TAKE_FILES,
    check_received,
    hash_and_size,
    safe_file_name,
    store_received,
)


def received(
    user: User | AnonymousUser,
    *contents: Any,
    field: str = "file",
    route: str = "checkpoint_upload",
) -> Any:
    """What Django makes of a form with these files."""
    files = [SimpleUploadedFile("model.pt", content) for content in contents]
    request: Any = RequestFactory().post("/", {field: files, "name": "x"})
    request.user = user
    request.resolver_match = SimpleNamespace(view_name=route)
    return request


def incoming(folder: Path) -> int:
    """How many bytes lie in the incoming folder."""
    return sum(path.stat().st_size for path in (folder / "incoming").iterdir())


@pytest.mark.parametrize("size", [1, storage.CHUNK_BYTES, 3 * storage.CHUNK_BYTES + 7])
def test_a_file_lies_in_the_incoming_folder_until_the_request_ends(
    alice: User, own_files: Path, size: int
) -> None:
    content = os.urandom(size)
    request = received(alice, content)
    file = request.FILES["file"]
    assert Path(file.temporary_file_path()).parent == own_files / "incoming"
    assert hash_and_size(file) == (hashlib.sha256(content).hexdigest(), size)
    assert file.read() == content
    assert request.POST["name"] == "x"
    request.close()
    assert list((own_files / "incoming").iterdir()) == []


def test_of_several_files_only_the_first_is_written_and_the_request_says_so(
    alice: User, own_files: Path
) -> None:
    request = received(alice, *[b"x" * 900] * 20)
    assert len(request.FILES.getlist("file")) == 1
    with pytest.raises(DomainError, match="one file"):
        check_received(request)
    assert incoming(own_files) == 900
    request.close()
    assert incoming(own_files) == 0


@pytest.mark.parametrize(
    "elsewhere", [{"field": "picture"}, {"route": "profile_save"}, {"route": "api-job-list"}]
)
def test_a_file_that_nobody_asked_for_is_read_away(
    alice: User, own_files: Path, elsewhere: dict[str, str]
) -> None:
    request = received(alice, b"x" * 100, **elsewhere)
    assert not request.FILES and request.POST["name"] == "x"
    assert incoming(own_files) == 0


def test_the_routes_that_take_a_file_are_there() -> None:
    assert {reverse(name) for name in TAKE_FILES} == {
        "/models/upload/",
        "/api/v1/checkpoints/",
        "/api/v1/checkpoints/manifest/",
    }


def test_a_part_that_is_skipped_does_not_close_the_file_before_it(
    alice: User, own_files: Path
) -> None:
    data = {"file": SimpleUploadedFile("a", b"kept"), "other": SimpleUploadedFile("b", b"x")}
    request: Any = RequestFactory().post("/", data)
    request.user = alice
    request.resolver_match = SimpleNamespace(view_name="checkpoint_upload")
    assert request.FILES["file"].read() == b"kept"
    request.close()


def test_a_file_is_renamed_into_storage_and_its_absence_is_no_error_at_the_end(
    alice: User, own_folder: Path
) -> None:
    request = received(alice, b"x")
    file = request.FILES["file"]
    inode = Path(file.temporary_file_path()).stat().st_ino
    store_received("incoming/there", file)
    request.close()
    with storage.local_copy("incoming/there") as path:
        assert (path.read_bytes(), path.stat().st_ino) == (b"x", inode)


def test_nothing_of_a_strangers_file_is_written(own_files: Path, db: None) -> None:
    request = received(AnonymousUser(), b"x" * 100)
    assert not request.FILES and request.POST["name"] == "x"
    assert list((own_files / "incoming").iterdir()) == []


def test_a_file_above_the_limit_is_dropped_and_the_request_says_why(
    alice: User, own_files: Path, settings: Settings
) -> None:
    settings.MAX_CHECKPOINT_BYTES = storage.CHUNK_BYTES
    request = received(alice, b"x" * (2 * storage.CHUNK_BYTES))
    assert not request.FILES and request.POST["name"] == "x"
    with pytest.raises(TooLarge):
        check_received(request)
    assert list((own_files / "incoming").iterdir()) == []


def test_a_file_above_the_quota_is_dropped_and_one_that_just_fits_is_not(
    alice: User, settings: Settings
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    request = received(alice, b"x" * 11)
    assert not request.FILES
    with pytest.raises(InsufficientStorage):
        check_received(request)
    request = received(alice, b"x" * 10)
    assert request.FILES["file"].size == 10
    check_received(request)
    request.close()


def test_the_quota_is_checked_by_the_announced_length_before_the_first_byte(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", pytest.fail)
    request = received(alice, b"x" * 2000)
    assert not request.FILES
    with pytest.raises(InsufficientStorage):
        check_received(request)


@pytest.mark.parametrize("n_chunks", [1, 5])
def test_a_disk_that_is_full_is_told_of(
    alice: User, own_files: Path, monkeypatch: pytest.MonkeyPatch, n_chunks: int
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TemporaryUploadedFile, "write", full, raising=False)
    request = received(alice, b"x" * n_chunks * storage.CHUNK_BYTES)
    assert not request.FILES
    with pytest.raises(InsufficientStorage, match="disk may be full"):
        check_received(request)
    assert list((own_files / "incoming").iterdir()) == []


class Cut:
    """A connection that breaks after the first chunk."""

    def __init__(self, head: bytes) -> None:
        self.parts = [head, b"x" * storage.CHUNK_BYTES]

    def read(self, size: int = -1) -> bytes:
        """The next part, then an error."""
        if not self.parts:
            raise OSError("connection reset")
        return self.parts.pop(0)


def test_nothing_stays_of_a_connection_that_breaks(alice: User, own_files: Path) -> None:
    head = b'--X\r\nContent-Disposition: form-data; name="file"; filename="m"\r\n\r\n'
    request: Any = RequestFactory().generic(
        "POST", "/", b"x", content_type="multipart/form-data; boundary=X", CONTENT_LENGTH=10**9
    )
    request.user = alice
    request.resolver_match = SimpleNamespace(view_name="checkpoint_upload")
    request._stream = Cut(head)
    with suppress(UnreadablePostError):
        pytest.fail(f"the form was read: {request.FILES}")
    del request
    gc.collect()
    assert list((own_files / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("resnet18-f37072fd.pth", "resnet18-f37072fd.pth"),
        ("/home/alice/secret/net.pt", "net.pt"),
        ("C:\\work\\net.pt", "net.pt"),
        ("ne\0t\n\ud800.pt", "net.pt"),
        ("x" * 300, "x" * 255),
        ("folder/", ""),
    ],
)
def test_of_a_files_name_only_its_last_part_is_kept(said: str, kept: str) -> None:
    assert safe_file_name(said) == kept
