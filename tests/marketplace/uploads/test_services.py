"""Uploads in pieces: what the row promises, whatever happens to the connection."""

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings

from marketplace.accounts.models import Team, User, Visibility
from marketplace.checkpoints.drafts import CheckpointDraft
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict, DomainError, InsufficientStorage, TooLarge
from marketplace.uploads import services
from marketplace.uploads.clock import uploads_tick
from marketplace.uploads.models import Upload
from marketplace.uploads.selectors import uploads_of
from marketplace.uploads.services import ChecksumMismatch, Locked, upload_append, upload_delete
from tests.marketplace.checkpoints.uploading import DRAFT
from tests.marketplace.uploads.arrived import content_of


class Broken(io.BytesIO):
    """A connection that breaks when it has given what it has."""

    def read(self, size: int | None = -1, /) -> bytes:
        """The next bytes, then an error instead of an end."""
        data = super().read(size)
        if not data:
            raise OSError("connection reset")
        return data


def test_pieces_become_a_model_that_waits_for_validation(
    begin: Callable[..., Upload],
    alice: User,
    sent: list[Any],
    own_files: Path,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    content = os.urandom(300_000)
    upload = begin(len(content), sha256=hashlib.sha256(content).hexdigest())
    upload_append(upload=upload, offset=0, stream=io.BytesIO(content[:100_000]))
    assert upload.offset == 100_000 and not Checkpoint.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        upload_append(upload=upload, offset=100_000, stream=io.BytesIO(content[100_000:]))
    row = Checkpoint.objects.get()
    assert (row.pk, row.owner, row.name, row.state) == (
        upload.pk,
        alice,
        "Garden birds",
        "uploaded",
    )
    assert row.upload_sha256 == hashlib.sha256(content).hexdigest()
    assert (row.upload_bytes, content_of(upload)) == (len(content), content)
    assert sent == [("worker.validate_checkpoint", {"checkpoint_id": str(row.pk)})]
    assert list((own_files / "incoming").iterdir()) == []


def test_what_arrived_before_a_break_counts_and_nothing_is_sent_twice(
    begin: Callable[..., Upload],
) -> None:
    content = os.urandom(1_000_000)
    upload, sent_bytes = begin(len(content)), 0
    for end in range(100_000, 1_000_001, 100_000):
        upload.refresh_from_db()
        upload_append(
            upload=upload, offset=upload.offset, stream=Broken(content[upload.offset : end])
        )
        sent_bytes += end - sent_bytes
        assert Upload.objects.get().offset == end
    assert sent_bytes == len(content) and content_of(upload) == content


def test_bytes_that_no_row_speaks_of_are_forgotten(
    begin: Callable[..., Upload], own_folder: Path
) -> None:
    """A process that was killed may have written more than it could say."""
    upload = begin(10)
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"))
    (file,) = (own_folder / "incoming").iterdir()
    file.write_bytes(b"01234-garbage")
    upload_append(upload=upload, offset=5, stream=io.BytesIO(b"56789"))
    assert content_of(upload) == b"0123456789"


def test_the_row_speaks_only_of_bytes_that_are_on_the_disk(
    begin: Callable[..., Upload], own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    monkeypatch.setattr("os.fsync", lambda handle: calls.append(Upload.objects.get().offset))
    upload_append(upload=begin(10), offset=0, stream=io.BytesIO(b"01234"))
    assert calls and set(calls) == {0} and Upload.objects.get().offset == 5


def test_a_long_piece_is_counted_on_the_way(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "FLUSH_BYTES", 50_000)
    seen = []

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            seen.append(Upload.objects.get().offset)
            return super().read(size)

    upload_append(upload=begin(400_000), offset=0, stream=Watched(bytes(400_000)))
    assert len(set(seen)) > 2 and seen == sorted(seen)


def test_only_the_next_byte_can_be_appended(begin: Callable[..., Upload]) -> None:
    upload = begin(10)
    with pytest.raises(Conflict, match="is at byte 0, not 3"):
        upload_append(upload=upload, offset=3, stream=io.BytesIO(b"x"))
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"0123456789"))
    with pytest.raises(Conflict, match="complete"):
        upload_append(upload=upload, offset=10, stream=io.BytesIO(b""))


def test_of_two_connections_one_waits(begin: Callable[..., Upload]) -> None:
    upload = begin(10)

    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            with pytest.raises(Locked, match="Another connection"):
                upload_append(upload=Upload.objects.get(), offset=0, stream=io.BytesIO(b"ABCDE"))
            return super().read(size)

    upload_append(upload=upload, offset=0, stream=Meanwhile(b"01234"))
    assert Upload.objects.get().offset == 5


def test_a_connection_that_was_given_up_for_dead_writes_nothing_more(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(10)

    class Asleep(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            # Silent for longer than its lease, while the client came back and finished.
            Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
            upload_append(upload=Upload.objects.get(), offset=0, stream=io.BytesIO(b"0123456789"))
            monkeypatch.setattr(services, "LEASE", timedelta(0))
            return super().read(size)

    with pytest.raises(Locked, match="taken this upload over"):
        upload_append(upload=upload, offset=0, stream=Asleep(b"zombie"))
    assert content_of(upload) == b"0123456789"
    assert Upload.objects.get().offset == 10


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_piece_that_was_damaged_on_the_way_does_not_count(
    begin: Callable[..., Upload], algorithm: str
) -> None:
    upload = begin(10)
    right = hashlib.new(algorithm, b"01234").digest()
    with pytest.raises(ChecksumMismatch, match="send it again"):
        upload_append(
            upload=upload, offset=0, stream=io.BytesIO(b"0123X"), checksum=(algorithm, right)
        )
    assert Upload.objects.get().offset == 0
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"), checksum=(algorithm, right))
    assert Upload.objects.get().offset == 5


def test_a_damaged_piece_is_not_counted_on_the_way_either(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "FLUSH_BYTES", 10_000)
    upload = begin(200_000)
    with pytest.raises(ChecksumMismatch):
        upload_append(
            upload=upload, offset=0, stream=io.BytesIO(bytes(150_000)), checksum=("sha1", b"x")
        )
    assert Upload.objects.get().offset == 0


def test_everything_that_can_be_refused_is_refused_before_the_first_byte(
    begin: Callable[..., Upload], settings: Settings, team: Team, charlie: User
) -> None:
    settings.MAX_CHECKPOINT_BYTES, settings.MAX_STORAGE_BYTES_PER_PERSON = 100, 250
    for length, error, words in (
        (0, DomainError, "empty"), (101, TooLarge, "at most"),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            begin(length)
    with pytest.raises(DomainError, match="hexadecimal"):
        begin(5, sha256="nonsense")
    with pytest.raises(DomainError) as refused:
        begin(5, owner=charlie, draft=draft_with(visibility="team", team=team, name=""))
    assert set(refused.value.fields) == {"name", "team"}
    assert not Upload.objects.exists()


def draft_with(**changes: Any) -> CheckpointDraft:
    """The draft with other words."""
    return replace(DRAFT, **changes)


def test_nobody_begins_more_than_a_few_uploads(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_UNFINISHED_PER_PERSON", 2)
    begin(1), begin(1)
    with pytest.raises(Conflict, match="unfinished uploads"):
        begin(1)


def test_an_upload_that_is_given_up_leaves_nothing(
    begin: Callable[..., Upload], own_files: Path
) -> None:
    upload = begin(10)
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"))
    upload_delete(upload=upload)
    assert not Upload.objects.exists() and not list((own_files / "incoming").iterdir())
    finished = begin(1)
    upload_append(upload=finished, offset=0, stream=io.BytesIO(b"x"))
    with pytest.raises(Conflict, match="delete the resulting model"):
        upload_delete(upload=finished)
    assert content_of(finished) == b"x"


def test_bytes_that_are_gone_are_said_to_be_gone(
    begin: Callable[..., Upload], own_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    upload = begin(10)
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"))
    (file,) = (own_folder / "incoming").iterdir()
    file.unlink()
    with pytest.raises(Conflict, match="start again"):
        upload_append(upload=upload, offset=5, stream=io.BytesIO(b"56789"))
    Upload.objects.update(offset=10)
    for path in (own_folder / "incoming").iterdir():
        path.unlink()
    uploads_tick()
    assert not Checkpoint.objects.exists() and "could not be finished" in caplog.text


def test_a_full_disk_is_an_answer_and_what_was_counted_stays(
    begin: Callable[..., Upload], own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(10)
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"01234"))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.write", full)
        with pytest.raises(InsufficientStorage, match="disk"):
            upload_append(upload=upload, offset=5, stream=io.BytesIO(b"56789"))
    upload_append(upload=upload, offset=5, stream=io.BytesIO(b"56789"))
    assert content_of(upload) == b"0123456789"


def test_who_left_the_team_meanwhile_keeps_the_model_private(
    begin: Callable[..., Upload], team: Team, alice: User
) -> None:
    shared = draft_with(visibility=Visibility.TEAM, team=team)
    stays, leaves = begin(1, draft=shared), begin(1, draft=shared)
    upload_append(upload=stays, offset=0, stream=io.BytesIO(b"x"))
    team.members.remove(alice)
    upload_append(upload=leaves, offset=0, stream=io.BytesIO(b"x"))
    rows = {row.pk: row for row in Checkpoint.objects.all()}
    assert (rows[stays.pk].visibility, rows[stays.pk].team) == (Visibility.TEAM, team)
    assert (rows[leaves.pk].visibility, rows[leaves.pk].team) == (Visibility.PRIVATE, None)


def test_who_gives_up_while_the_last_byte_is_put_in_place_gets_no_model(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch, stored: Callable[..., Any]
) -> None:
    upload = begin(4)
    put_in_place = services.growing_file.finish

    def finish(pk: UUID, name: str, *, length: int) -> None:
        put_in_place(pk, name, length=length)
        upload_delete(upload=Upload.objects.get())

    monkeypatch.setattr(services.growing_file, "finish", finish)
    with pytest.raises(Conflict, match="cancelled"):
        upload_append(upload=upload, offset=0, stream=io.BytesIO(b"0123"))
    assert not Checkpoint.objects.exists() and not Upload.objects.exists()
    assert stored() == []


def test_what_was_finished_a_moment_ago_is_not_given_up(begin: Callable[..., Upload]) -> None:
    upload, stale = begin(4), Upload.objects.get()
    upload_append(upload=upload, offset=0, stream=io.BytesIO(b"0123"))
    assert stale.finished_at is None
    with pytest.raises(Conflict, match="complete"):
        upload_delete(upload=stale)
    assert Checkpoint.objects.count() == 1


def test_an_upload_that_is_given_up_twice_is_given_up(begin: Callable[..., Upload]) -> None:
    upload = begin(4)
    for _ in range(2):
        upload_delete(upload=upload)
    assert not Upload.objects.exists()


def test_an_upload_that_is_given_up_while_the_store_fails_is_gone_and_the_clock_discards_it(
    begin: Callable[..., Upload],
    alice: User,
    failing_store: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload = begin(10)
    upload_delete(upload=upload)
    assert list(uploads_of(alice)) == [] and Upload.objects.count() == 1
    with pytest.raises(Conflict, match="cancelled|complete|taken|is at|bytes") as refused:
        Upload.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        monkeypatch.setattr(services.growing_file, "discard", lambda pk, name: None)
        uploads_tick()
        upload_append(upload=upload, offset=0, stream=io.BytesIO(b"0123"))
    assert "cancelled" in str(refused.value) and not Upload.objects.exists()


def test_a_store_whose_upload_was_begun_for_nothing_forgets_it(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between asking the store for a name and writing it down the lease was lost."""
    upload, forgotten = begin(10), []

    def begin_in_store(pk: UUID) -> str:
        Upload.objects.update(lease="somebody else's")
        return "name"

    monkeypatch.setattr(services.growing_file, "begin", begin_in_store)
    monkeypatch.setattr(services.growing_file, "discard", lambda *said: forgotten.append(said))
    with pytest.raises(Locked, match="taken this upload over"):
        upload_append(upload=upload, offset=0, stream=io.BytesIO(b"0123"))
    assert forgotten == [(upload.pk, "name")] and Upload.objects.get().multipart == ""


def test_a_piece_of_an_upload_that_was_just_given_up_is_told_so(
    begin: Callable[..., Upload],
) -> None:
    upload, stale = begin(10), Upload.objects.get()
    upload_delete(upload=upload)
    with pytest.raises(Conflict, match="cancelled"):
        upload_append(upload=stale, offset=0, stream=io.BytesIO(b"0123"))


def test_a_store_that_fails_because_the_upload_was_given_up_is_no_full_disk(
    begin: Callable[..., Upload], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(10)

    def open_at(pk: UUID, name: str, *, offset: int, length: int) -> None:
        upload_delete(upload=upload)
        raise OSError("no such upload")

    monkeypatch.setattr(services.growing_file, "open_at", open_at)
    with pytest.raises(Conflict, match="cancelled"):
        upload_append(upload=upload, offset=0, stream=io.BytesIO(b"0123"))
