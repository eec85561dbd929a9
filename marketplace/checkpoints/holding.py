"""Holding a model's row while it is changed, and whether a job has used it."""

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import check_free
from marketplace.core.errors import Conflict


def checkpoint_hold(*, checkpoint: Checkpoint) -> Checkpoint:
    """The row as it is now, kept so until the transaction ends; Conflict unless it may be changed.

    What the caller has read may be old: staff may have put it into quarantine since.
    """
    row = Checkpoint.objects.select_for_update().filter(pk=checkpoint.pk).first()
    if row is None:
        raise Conflict("This model has just been deleted.")
    check_free(row)
    return row


def is_in_use(checkpoint: Checkpoint) -> bool:
    """Whether it is in a pool that a job has used: then what it computes stays as it is."""
    return checkpoint.pools.filter(pool__frozen_at__isnull=False).exists()
