"""Upload, change, delete, validation's claim and end, and the clock."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError
from pytest_django import Settings

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints import services
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_delete, checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import DomainError, InsufficientStorage, TooLarge
from marketplace.pools.models import Pool
from tests.marketplace.checkpoints.uploading import DRAFT, uploaded

S = CheckpointState


def test_an_upload_from_any_file_is_stored_and_hashed(
    alice: User, stored: Callable[..., Any]
) -> None:
    row = uploaded(alice)
    assert (row.name, row.class_names, row.state) == (
        "Garden birds",
        ["robin", "wren"],
        S.UPLOADED,
    )
    assert row.upload_sha256 == hashlib.sha256(b"tensors").hexdigest()
    assert row.upload_bytes == 7
    (key,) = stored()
    with default_storage.open(key) as file:
        assert file.read() == b"tensors"


def test_nothing_stays_when_the_row_cannot_be_written(
    alice: User, left_behind: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(services, "enqueue", fail)
    with pytest.raises(RuntimeError):
        uploaded(alice)
    assert not Checkpoint.objects.exists()
    assert left_behind() == []


def test_a_full_disk_is_said_in_words(
    alice: User, own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage, "put_stream", full)
    with pytest.raises(InsufficientStorage, match="disk may be full"):
        uploaded(alice)


def test_the_quota_counts_what_is_stored_and_what_waits(
    alice: User, settings: Settings, make_checkpoint: Callable[..., Any]
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON = 20
    make_checkpoint(content=b"x" * 8)
    uploaded(alice, b"y" * 8)
    with pytest.raises(InsufficientStorage):
        uploaded(alice, b"z" * 5)
    assert uploaded(alice, b"z" * 4)


def test_other_peoples_files_do_not_count(
    alice: User, charlie: User, settings: Settings, make_checkpoint: Callable[..., Any]
) -> None:
    settings.MAX_STORAGE_BYTES_PER_PERSON = 10
    make_checkpoint(owner=charlie, content=b"x" * 10)
    assert uploaded(alice, b"y" * 10)


def test_the_largest_file_is_allowed_and_one_byte_more_is_not(
    alice: User, settings: Settings
) -> None:
    settings.MAX_CHECKPOINT_BYTES = 5
    assert uploaded(alice, b"x" * 5)
    with pytest.raises(TooLarge):
        uploaded(alice, b"x" * 6)


def test_a_change_touches_what_it_names_and_nothing_else(
    make_checkpoint: Callable[..., Any], alice: User
) -> None:
    row = make_checkpoint()
    before: dict[str, Any] = {**Checkpoint.objects.values().get()}
    checkpoint_change(
        checkpoint=row, by=alice, values={"description": "new", "state": "rejected", "owner": 7}
    )
    after: dict[str, Any] = {**Checkpoint.objects.values().get()}
    assert {name for name in before if before[name] != after[name]} == {"description"}


def test_withdrawn_consent_takes_the_preview_along(
    make_checkpoint: Callable[..., Any], alice: User
) -> None:
    row = make_checkpoint(consent_preview=True)
    checkpoint_change(checkpoint=row, by=alice, values={"consent_recovery": False})
    row = Checkpoint.objects.get()
    assert (row.consent_recovery, row.consent_preview) == (False, False)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"visibility": "odd"}, "visibility"),
        ({"visibility": "team"}, "team"),
        ({"licence": "mine"}, "licence"),
    ],
)
def test_a_bad_change_is_refused_as_a_whole(
    make_checkpoint: Callable[..., Any], alice: User, values: dict[str, str], field: str
) -> None:
    row = make_checkpoint()
    with pytest.raises(DomainError) as caught:
        checkpoint_change(checkpoint=row, by=alice, values={"description": "x", **values})
    assert set(caught.value.fields) == {field}
    assert Checkpoint.objects.get().description == ""


def test_a_deleted_model_leaves_no_file_and_leaves_its_unused_pools(
    pool: Pool, stored: Callable[..., Any]
) -> None:
    first, second = pool.checkpoints.all()
    checkpoint_delete(checkpoint=first)
    assert list(pool.checkpoints.all()) == [second]
    assert len(stored()) == 1


def test_of_two_uploads_at_once_only_one_takes_the_last_room(
    alice: User,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    stored: Callable[..., Any],
) -> None:
    """Both were told that there is room; it is asked again when the row is written."""
    settings.MAX_STORAGE_BYTES_PER_PERSON = 15
    put = services.store_received

    def meanwhile(key: str, file: Any) -> None:
        monkeypatch.setattr(services, "store_received", put)
        checkpoint_upload(owner=alice, draft=DRAFT, file=ContentFile(b"0123456789", "other.pt"))
        return put(key, file)

    monkeypatch.setattr(services, "store_received", meanwhile)
    with pytest.raises(InsufficientStorage):
        checkpoint_upload(owner=alice, draft=DRAFT, file=ContentFile(b"0123456789", "one.pt"))
    (row,) = Checkpoint.objects.all()
    assert stored() == [storage.incoming_key(row.pk)]


def test_a_constraint_that_is_broken_for_another_reason_is_not_hidden(
    alice: User, monkeypatch: pytest.MonkeyPatch, stored: Callable[..., Any]
) -> None:
    def broken(**_: Any) -> None:
        raise IntegrityError("something else")

    monkeypatch.setattr(services, "checkpoint_arrived", broken)
    with pytest.raises(IntegrityError, match="something else"):
        uploaded(alice)
    assert stored() == []


def test_an_empty_file_is_no_upload(alice: User, stored: Callable[..., Any]) -> None:
    with pytest.raises(DomainError) as refusal:
        uploaded(alice, content=b"")
    assert refusal.value.fields == {"file": "Empty file."}
    assert stored() == [] and not Checkpoint.objects.exists()
