"""Silent validations are taken back, and waiting ones woken."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.checkpoints.clock import checkpoints_tick
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import MAX_LOST_ATTEMPTS, checkpoint_claim, checkpoint_finish
from marketplace.checkpoints.states import CheckpointState
from tests.marketplace.checkpoints.uploading import uploaded

S = CheckpointState


def test_a_zombie_ends_nothing(alice: User) -> None:
    row = uploaded(alice)
    dead = checkpoint_claim(checkpoint_id=row.pk)
    Checkpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    checkpoints_tick()
    alive = checkpoint_claim(checkpoint_id=row.pk)
    assert dead is not None and alive is not None
    assert not checkpoint_finish(checkpoint=dead, to=S.REJECTED, reason="x")
    assert checkpoint_finish(checkpoint=alive, to=S.VALID, n_classes=2)
    row.refresh_from_db()
    assert (row.state, row.reason, row.n_classes, row.lease_until) == (S.VALID, "", 2, None)


def test_a_validation_that_dies_again_and_again_is_rejected_and_its_file_removed(
    alice: User, left_behind: Callable[..., Any]
) -> None:
    row = uploaded(alice)
    for _ in range(MAX_LOST_ATTEMPTS):
        assert checkpoint_claim(checkpoint_id=row.pk)
        Checkpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        checkpoints_tick()
    row.refresh_from_db()
    assert row.state == S.REJECTED and "safetensors" in row.reason
    assert left_behind() == []


def test_a_waiting_upload_wakes_a_worker_again_once_a_minute(
    alice: User, sent: list[Any], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    row = uploaded(alice)
    for late_s, expected in ((0, []), (61, [{"checkpoint_id": str(row.pk)}])):
        Checkpoint.objects.update(woken_at=timezone.now() - timedelta(seconds=late_s))
        sent.clear()
        with django_capture_on_commit_callbacks(execute=True):
            checkpoints_tick()
            checkpoints_tick()
        assert [arguments for _, arguments in sent] == expected
