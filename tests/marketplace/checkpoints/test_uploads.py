"""Uploads on their way in."""

import hashlib
import os
import time

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from marketplace.checkpoints.uploads import (
    ABANDONED_AFTER_S,
    CHUNK_BYTES,
    BackgroundHash,
    IncomingFile,
    RefusedFile,
)
from marketplace.core.errors import InsufficientStorage, TooLarge


def received(user, *contents):
    """What Django makes of a form with these files."""
    files = {
        f"file{index}": SimpleUploadedFile("model.pt", content)
        for index, content in enumerate(contents)
    }
    request = RequestFactory().post("/", {**files, "name": "x"})
    request.user = user
    return request


@pytest.mark.parametrize("size", [1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7])
def test_a_file_lies_in_the_incoming_folder_with_its_hash(alice, own_files, size):
    content = os.urandom(size)
    request = received(alice, content)
    file = request.FILES["file0"]
    assert isinstance(file, IncomingFile)
    assert file.take().parent == own_files / "incoming"
    assert file.take().read_bytes() == content
    assert (file.size, file.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert request.POST["name"] == "x"
    request.close()
    assert list((own_files / "incoming").iterdir()) == []


def test_several_files_do_not_mix(alice):
    request = received(alice, b"first", b"second")
    assert [file.read() for file in request.FILES.values()] == [b"first", b"second"]
    hashes = {file.sha256 for file in request.FILES.values()}
    assert hashes == {hashlib.sha256(text).hexdigest() for text in (b"first", b"second")}
    request.close()


def test_a_file_that_was_renamed_away_is_no_error_at_the_end(alice, own_files):
    request = received(alice, b"x")
    request.FILES["file0"].take().rename(own_files / "taken")
    request.close()
    assert (own_files / "taken").read_bytes() == b"x"


def test_nothing_of_a_strangers_file_is_written(own_files, db):
    request = received(AnonymousUser(), b"x" * 100)
    assert not request.FILES and request.POST["name"] == "x"
    assert list((own_files / "incoming").iterdir()) == []


def test_a_file_above_the_limit_stands_for_its_refusal(alice, own_files, settings):
    settings.MAX_CHECKPOINT_BYTES = CHUNK_BYTES
    request = received(alice, b"x" * (2 * CHUNK_BYTES))
    file = request.FILES["file0"]
    assert isinstance(file, RefusedFile) and isinstance(file.error, TooLarge)
    assert file.size == 2 * CHUNK_BYTES
    assert list((own_files / "incoming").iterdir()) == []


def test_a_file_above_the_quota_stands_for_its_refusal(alice, settings):
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    request = received(alice, b"x" * 11)
    assert isinstance(request.FILES["file0"].error, InsufficientStorage)
    request = received(alice, b"x" * 10)
    assert isinstance(request.FILES["file0"], IncomingFile)
    request.close()


def test_what_a_killed_process_left_is_swept_and_the_rest_is_not(alice, own_files):
    old, new, other = (own_files / "incoming" / name for name in ("a.upload", "b.upload.pt", "c"))
    for path in (old, new, other):
        path.write_bytes(b"x")
    long_ago = time.time() - ABANDONED_AFTER_S - 1
    os.utime(old, (long_ago, long_ago))
    os.utime(other, (long_ago, long_ago))
    received(alice, b"x").FILES["file0"].close()
    assert sorted(path.name for path in (own_files / "incoming").iterdir()) == ["b.upload.pt", "c"]


def test_the_hash_in_the_background_is_the_hash():
    pieces = [os.urandom(100_000) for _ in range(20)]
    hashing = BackgroundHash()
    for piece in pieces:
        hashing.update(piece)
    assert hashing.finish() == hashlib.sha256(b"".join(pieces)).hexdigest()
    assert BackgroundHash().finish() == hashlib.sha256().hexdigest()
