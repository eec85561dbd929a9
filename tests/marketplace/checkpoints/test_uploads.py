"""Uploads on their way in."""

import gc
import hashlib
import os
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import UnreadablePostError
from django.test import RequestFactory
from django.urls import reverse

from marketplace.checkpoints.uploads import (
    ABANDONED_AFTER_S,
    CHUNK_BYTES,
    TAKE_A_FILE,
    WRITE_BACK_BYTES,
    InBackground,
    IncomingFile,
    RefusedFile,
)
from marketplace.core.errors import InsufficientStorage, TooLarge


def received(user, *contents, field="file", route="checkpoint_upload"):
    """What Django makes of a form with these files."""
    files = [SimpleUploadedFile("model.pt", content) for content in contents]
    request = RequestFactory().post("/", {field: files, "name": "x"})
    request.user = user
    request.resolver_match = SimpleNamespace(view_name=route)
    return request


def incoming(folder):
    """How many bytes lie in the incoming folder."""
    return sum(path.stat().st_size for path in (folder / "incoming").iterdir())


@pytest.mark.parametrize("size", [1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7, WRITE_BACK_BYTES + 1])
def test_a_file_lies_in_the_incoming_folder_with_its_hash(alice, own_files, size):
    content = os.urandom(size)
    request = received(alice, content)
    file = request.FILES["file"]
    assert isinstance(file, IncomingFile)
    assert file.take().parent == own_files / "incoming"
    assert file.take().read_bytes() == content
    assert (file.size, file.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert request.POST["name"] == "x"
    request.close()
    assert list((own_files / "incoming").iterdir()) == []


def test_of_several_files_none_is_taken_and_only_the_first_is_written(alice, own_files):
    request = received(alice, *[b"x" * 900] * 20)
    file = request.FILES["file"]
    assert isinstance(file, RefusedFile) and "one file" in str(file.error)
    assert incoming(own_files) == 900
    request.close()
    assert incoming(own_files) == 0


@pytest.mark.parametrize(
    "elsewhere", [{"field": "picture"}, {"route": "profile_save"}, {"route": "api-job-list"}]
)
def test_a_file_that_nobody_asked_for_is_read_away(alice, own_files, elsewhere):
    request = received(alice, b"x" * 100, **elsewhere)
    assert not request.FILES and request.POST["name"] == "x"
    assert incoming(own_files) == 0


def test_the_routes_that_take_a_file_are_there():
    assert {reverse(name) for name in TAKE_A_FILE} == {"/models/upload/", "/api/v1/checkpoints/"}


def test_a_part_that_is_skipped_does_not_close_the_file_before_it(alice, own_files):
    data = {"file": SimpleUploadedFile("a", b"kept"), "other": SimpleUploadedFile("b", b"x")}
    request = RequestFactory().post("/", data)
    request.user = alice
    request.resolver_match = SimpleNamespace(view_name="checkpoint_upload")
    assert request.FILES["file"].read() == b"kept"
    request.close()


def test_two_forms_of_one_person_share_the_room(alice, bob, own_files, settings):
    settings.MAX_STORAGE_BYTES_PER_PERSON = 2000
    first, second, bobs, later = (
        received(user, b"x" * 1200) for user in (alice, alice, bob, alice)
    )
    assert isinstance(first.FILES["file"], IncomingFile)
    assert isinstance(second.FILES["file"].error, InsufficientStorage)
    assert isinstance(bobs.FILES["file"], IncomingFile)
    first.close()
    assert isinstance(later.FILES["file"], IncomingFile)
    bobs.close()
    later.close()


def test_a_file_that_was_renamed_away_is_no_error_at_the_end(alice, own_files):
    request = received(alice, b"x")
    request.FILES["file"].take().rename(own_files / "taken")
    request.close()
    assert (own_files / "taken").read_bytes() == b"x"


def test_nothing_of_a_strangers_file_is_written(own_files, db):
    request = received(AnonymousUser(), b"x" * 100)
    assert not request.FILES and request.POST["name"] == "x"
    assert list((own_files / "incoming").iterdir()) == []


def test_a_file_above_the_limit_stands_for_its_refusal(alice, own_files, settings):
    settings.MAX_CHECKPOINT_BYTES = CHUNK_BYTES
    request = received(alice, b"x" * (2 * CHUNK_BYTES))
    file = request.FILES["file"]
    assert isinstance(file, RefusedFile) and isinstance(file.error, TooLarge)
    assert file.size == 2 * CHUNK_BYTES
    assert list((own_files / "incoming").iterdir()) == []


def test_a_file_above_the_quota_stands_for_its_refusal(alice, settings):
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    request = received(alice, b"x" * 11)
    assert isinstance(request.FILES["file"].error, InsufficientStorage)
    request = received(alice, b"x" * 10)
    assert isinstance(request.FILES["file"], IncomingFile)
    request.close()


def test_what_a_killed_process_left_is_swept_and_the_rest_is_not(alice, own_files):
    old, new, other = (own_files / "incoming" / name for name in ("a.upload", "b.upload.pt", "c"))
    for path in (old, new, other):
        path.write_bytes(b"x")
    long_ago = time.time() - ABANDONED_AFTER_S - 1
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    received(alice, b"x").FILES["file"].close()
    assert sorted(path.name for path in (own_files / "incoming").iterdir()) == ["b.upload.pt", "c"]


def test_pieces_are_handed_on_in_their_order():
    pieces = [os.urandom(1000) for _ in range(50)]
    seen = []
    work = InBackground(seen.append)
    for piece in pieces:
        work.put(piece)
    work.finish()
    assert seen == pieces


def test_an_error_in_the_background_comes_back_at_the_next_piece_or_the_end():
    def fail(data):
        raise OSError("full")

    work = InBackground(fail)
    work.put(b"x")
    with pytest.raises(OSError, match="full"):
        work.put(b"y")
    with pytest.raises(OSError, match="full"):
        work.finish()
    work = InBackground(fail)
    work.put(b"x")
    work.abandon()


@pytest.mark.parametrize("n_chunks", [1, 5])
def test_a_disk_that_is_full_stands_for_its_refusal(alice, own_files, monkeypatch, n_chunks):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(IncomingFile, "write", full, raising=False)
    request = received(alice, b"x" * n_chunks * CHUNK_BYTES)
    assert isinstance(request.FILES["file"].error, InsufficientStorage)
    assert list((own_files / "incoming").iterdir()) == []


class Cut:
    """A connection that breaks after the first chunk."""

    def __init__(self, head):
        self.parts = [head, b"x" * CHUNK_BYTES]

    def read(self, size=-1):
        """The next part, then an error."""
        if not self.parts:
            raise OSError("connection reset")
        return self.parts.pop(0)


def test_nothing_stays_of_a_connection_that_breaks(alice, own_files):
    head = b'--X\r\nContent-Disposition: form-data; name="file"; filename="m"\r\n\r\n'
    request = RequestFactory().generic(
        "POST", "/", b"x", content_type="multipart/form-data; boundary=X", CONTENT_LENGTH=10**9
    )
    request.user = alice
    request.resolver_match = SimpleNamespace(view_name="checkpoint_upload")
    request._stream = Cut(head)
    with suppress(UnreadablePostError):
        pytest.fail(f"the form was read: {request.FILES}")
    del request
    # The thread that writes may still hold the file for as long as its last piece takes.
    for _ in range(200):
        gc.collect()
        if not list((own_files / "incoming").iterdir()):
            return
        time.sleep(0.01)
    pytest.fail("the half-received file is still there")
