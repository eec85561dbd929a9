"""Locks on a model's row while it is changed."""

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import check_free
from marketplace.core.errors import Conflict


def checkpoint_hold(*, checkpoint: Checkpoint) -> Checkpoint:
    """Return the current row, locked until the transaction ends.

    Raise Conflict if it may not be changed. The caller's copy may be old: staff may have put the
    model into quarantine since.
    """
    row = Checkpoint.objects.select_for_update().filter(pk=checkpoint.pk).first()
    if row is None or row.is_deleted:
        raise Conflict("This model has just been deleted.")
    check_free(row)
    return row


def is_in_use(checkpoint: Checkpoint) -> bool:
    """Return whether a job has used one of its pools, so that the weights must not change."""
    return checkpoint.pools.filter(pool__frozen_at__isnull=False).exists()
