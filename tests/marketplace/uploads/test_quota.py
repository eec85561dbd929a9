"""How much a person may still upload."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.core.errors import InsufficientStorage, TooLarge
from marketplace.uploads.models import Upload
from marketplace.uploads.quota import check_room, storage_left, storage_used_by
from marketplace.uploads.services import upload_delete


def test_a_file_counts_once_before_and_after_validation_and_not_once_it_is_rejected(
    make_checkpoint: Callable[..., Any], alice: User, charlie: User
) -> None:
    assert storage_used_by(alice) == 0
    make_checkpoint(content=b"x" * 10)
    make_checkpoint(upload_bytes=7, size_bytes=0, state="uploaded")
    make_checkpoint(owner=charlie, content=b"x" * 100)
    make_checkpoint(upload_bytes=1000, size_bytes=0, state="rejected")
    assert storage_used_by(alice) == 17


def test_room_is_kept_for_what_was_begun(
    begin: Callable[..., Upload], settings: Settings, alice: User
) -> None:
    settings.MAX_CHECKPOINT_BYTES, settings.MAX_STORAGE_BYTES_PER_PERSON = 100, 250
    begin(100)
    upload = begin(100)
    assert storage_used_by(alice) == 200
    with pytest.raises(InsufficientStorage):
        begin(51)
    upload_delete(upload=upload)
    begin(51)


def test_a_file_is_too_large_for_the_instance_or_for_the_persons_room(
    alice: User, settings: Settings
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON, settings.MAX_CHECKPOINT_BYTES = 2**21, 2**20
    assert storage_left(alice) == 2**21
    check_room(alice, 2**20)
    with pytest.raises(TooLarge, match="at most 1 MiB") as refused:
        check_room(alice, 2**20 + 1)
    assert set(refused.value.fields) == {"file"}
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    check_room(alice, 10)
    with pytest.raises(InsufficientStorage, match="delete a model"):
        check_room(alice, 11)
