"""Periodic work on checkpoints: reclaim expired validations and wake waiting ones."""

import logging
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from marketplace.checkpoints.deleting import deleted_forget
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import VALIDATION_LEASE, checkpoint_reclaim
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.idempotency import keys_forget
from marketplace.core.leases import SLACK, Jumps, database_now
from marketplace.queue import Task, enqueue

log = logging.getLogger(__name__)

WAKE_AGAIN = timedelta(seconds=60)
_AT_ONCE = 100

jumps = Jumps()


def checkpoints_tick() -> None:
    now = database_now()
    leased = Checkpoint.objects.filter(state=CheckpointState.VALIDATING)
    jumps.forgive(leased, now, length=VALIDATION_LEASE)
    for row in leased.filter(lease_until__lt=now):
        checkpoint_reclaim(checkpoint=row)
    keys_forget(Checkpoint.objects.all(), now)
    deleted_forget()
    _wake_waiting(now)


def _wake_waiting(now: datetime) -> None:
    waiting = Checkpoint.objects.filter(state=CheckpointState.UPLOADED).filter(
        Q(woken_at__isnull=True) | Q(woken_at__lt=now - WAKE_AGAIN) | Q(woken_at__gt=now + SLACK)
    )
    for pk in list(waiting.order_by("woken_at").values_list("pk", flat=True)[:_AT_ONCE]):
        Checkpoint.objects.filter(pk=pk).update(woken_at=Now())
        enqueue(Task.VALIDATE_CHECKPOINT, checkpoint_id=str(pk))
