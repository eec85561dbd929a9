"""Late uploads are finished, abandoned ones forgotten."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.uploads import services
from marketplace.uploads.clock import uploads_tick
from marketplace.uploads.models import Upload
from marketplace.uploads.selectors import uploads_of
from marketplace.uploads.services import upload_append
from tests.marketplace.uploads.arrived import content_of


def test_an_abandoned_upload_expires_and_a_live_one_does_not(
    begin: Callable[..., Upload], alice: User, own_folder: Path
) -> None:
    old, new = begin(10), begin(10)
    for upload in (old, new):
        upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"))
    Upload.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert list(uploads_of(alice)) == [new]
    uploads_tick()
    assert list(Upload.objects.all()) == [new]
    assert len(list((own_folder / "incoming").iterdir())) == 1


def test_a_finished_upload_is_forgotten_but_not_its_file(begin: Callable[..., Upload]) -> None:
    upload = begin(1)
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"x"))
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    uploads_tick()
    assert not Upload.objects.exists() and content_of(upload) == b"x"


@pytest.mark.parametrize("moved", [False, True])
def test_a_whole_upload_whose_process_died_at_the_end_is_finished_by_the_clock(
    begin: Callable[..., Upload], own_folder: Path, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    upload = begin(5)
    with monkeypatch.context() as patch:
        patch.setattr(services, "_finish", lambda upload: None)
        upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"))
    if moved:
        (file,) = (own_folder / "incoming").iterdir()
        storage.adopt_file(storage.incoming_key(upload.pk), file)
    assert not Checkpoint.objects.exists()
    uploads_tick()
    uploads_tick()
    assert Checkpoint.objects.get().pk == upload.pk and content_of(upload) == b"01234"


def test_a_piece_that_comes_while_the_clock_looks_saves_the_upload(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch, stored: Callable[..., Any]
) -> None:
    """The clock has read the row as abandoned; before it deletes it, its owner goes on."""
    upload = begin(10)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    update = QuerySet.update

    def late(rows: QuerySet[Any], **changes: Any) -> int:
        update(Upload.objects.all(), expires_at=timezone.now() + timedelta(hours=1))
        return update(rows, **changes)

    monkeypatch.setattr(QuerySet, "update", late)
    uploads_tick()
    assert Upload.objects.get() == upload


def test_an_abandoned_upload_whose_bytes_stay_is_not_forgotten_and_the_next_ones_have_their_turn(
    begin: Callable[..., Upload], failing_store: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        Upload.objects.filter(pk=begin(10).pk).update(multipart=name)
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    uploads_tick()
    assert {name for _, name in failing_store} == {"one", "two"}
    assert Upload.objects.count() == 2
    uploads_tick()
    assert len(failing_store) == 2, "asked again while the lease holds"
    Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    monkeypatch.setattr(services.growing_file, "discard", lambda pk, name: None)
    uploads_tick()
    assert not Upload.objects.exists()
