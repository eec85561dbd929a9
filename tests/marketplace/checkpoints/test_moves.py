"""Who reads an upload, how long, and what becomes of it when reading comes to nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import (
    DIED,
    FAILED,
    checkpoint_claim,
    checkpoint_finish,
    checkpoint_lose,
    checkpoint_reclaim,
    checkpoint_renew_lease,
    checkpoint_requeue,
)
from marketplace.checkpoints.states import MOVES, CheckpointState
from tests.marketplace.checkpoints.uploading import uploaded

S = CheckpointState


@pytest.fixture
def waiting(make_checkpoint: Callable[..., Any]) -> Checkpoint:
    """An upload with its file, which nobody has read."""
    row = make_checkpoint("waiting", state=CheckpointState.UPLOADED)
    default_storage.save(storage.incoming_key(row.pk), ContentFile(b"bytes"))
    return row


def claimed(row: Checkpoint) -> Checkpoint:
    found = checkpoint_claim(checkpoint_id=row.pk)
    assert found is not None
    return found


def test_an_upload_is_claimed_once(waiting: Checkpoint) -> None:
    assert claimed(waiting).state == CheckpointState.VALIDATING
    assert checkpoint_claim(checkpoint_id=waiting.pk) is None
    waiting.delete()
    assert checkpoint_claim(checkpoint_id=waiting.pk) is None


def test_who_was_given_up_for_dead_changes_nothing(waiting: Checkpoint) -> None:
    silent = claimed(waiting)
    Checkpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    checkpoint_reclaim(checkpoint=silent)
    living = claimed(waiting)
    assert not checkpoint_renew_lease(checkpoint=silent)
    assert not checkpoint_finish(checkpoint=silent, to=CheckpointState.REJECTED, reason="Late.")
    checkpoint_lose(checkpoint=silent, reason=FAILED)
    checkpoint_requeue(checkpoint=silent)
    living.refresh_from_db()
    assert (living.state, living.reason) == (CheckpointState.VALIDATING, "")
    assert (living.attempt, living.lost_attempts) == (2, 1)


def test_a_worker_that_was_heard_of_again_keeps_its_upload(waiting: Checkpoint) -> None:
    row = claimed(waiting)
    checkpoint_reclaim(checkpoint=row)
    row.refresh_from_db()
    assert (row.state, row.lost_attempts) == (CheckpointState.VALIDATING, 0)


def test_what_is_given_back_waits_and_counts_against_nobody(waiting: Checkpoint) -> None:
    row = claimed(waiting)
    checkpoint_requeue(checkpoint=row)
    row.refresh_from_db()
    assert (row.state, row.lost_attempts, row.lease_until) == (CheckpointState.UPLOADED, 0, None)
    assert default_storage.exists(storage.incoming_key(row.pk))


@pytest.mark.parametrize("reason", [DIED, FAILED])
def test_the_third_loss_is_the_end_with_its_reason_and_without_the_file(
    waiting: Checkpoint, reason: str
) -> None:
    for lost in (1, 2):
        checkpoint_lose(checkpoint=claimed(waiting), reason=reason)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.reason) == (CheckpointState.UPLOADED, "")
        assert waiting.lost_attempts == lost
        assert default_storage.exists(storage.incoming_key(waiting.pk))
    checkpoint_lose(checkpoint=claimed(waiting), reason=reason)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == (CheckpointState.REJECTED, reason)
    assert waiting.validated_at is not None
    assert not default_storage.exists(storage.incoming_key(waiting.pk))


def test_a_storage_that_is_away_does_not_hold_the_verdict_up(
    waiting: Checkpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Checkpoint.objects.update(lost_attempts=2)
    row = claimed(waiting)

    def away(key: str) -> None:
        raise OSError("no storage")

    monkeypatch.setattr(storage, "remove", away)
    checkpoint_lose(checkpoint=row, reason=FAILED)
    row.refresh_from_db()
    assert row.state == CheckpointState.REJECTED
    assert "could not be removed" in caplog.text


def test_of_two_claims_one_wins(alice: User) -> None:
    row = uploaded(alice)
    first = checkpoint_claim(checkpoint_id=row.pk)
    assert (first.state, first.attempt) == (S.VALIDATING, 1)
    assert checkpoint_claim(checkpoint_id=row.pk) is None
    assert checkpoint_claim(checkpoint_id="00000000-0000-4000-8000-000000000000") is None


@pytest.mark.parametrize("to", [S.VALID, S.REJECTED])
def test_only_a_validation_under_way_ends(
    make_checkpoint: Callable[..., Any], to: CheckpointState
) -> None:
    for source in set(S) - {S.DELETED}:
        row = make_checkpoint(str(source), state=source)
        ended = checkpoint_finish(checkpoint=row, to=to)
        assert ended == (to in MOVES[source])
        assert row.state == (to if ended else source)
        assert row.is_final == (row.state in {S.VALID, S.REJECTED})
