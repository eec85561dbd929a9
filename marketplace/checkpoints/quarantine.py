"""Quarantine: an operator takes a model out of use, and may release it."""

from django.db import transaction
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict, DomainError

MAX_REASON = 500


@transaction.atomic
def checkpoint_quarantine(*, checkpoint: Checkpoint, by: User | None, reason: str) -> Checkpoint:
    """Hide the model and stop every use of it. `by` is None for the command line."""
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        message = f"Give the reason, in at most {MAX_REASON} characters; its owner will read it."
        raise DomainError(message, fields={"reason": message})
    row = Checkpoint.objects.select_for_update().get(pk=checkpoint.pk)
    if row.is_deleted:
        raise Conflict("This model has been deleted by its owner.")
    if row.is_quarantined:
        raise Conflict("This model is already in quarantine.")
    row.quarantined_at, row.quarantine_reason = timezone.now(), reason
    row.save(update_fields=["quarantined_at", "quarantine_reason"])
    record(Act.MODEL_QUARANTINED, by=by, row=row, name=row.name, reason=reason)
    return row


@transaction.atomic
def checkpoint_release(*, checkpoint: Checkpoint, by: User | None) -> Checkpoint:
    """Release the model as it was. Owners can resume jobs that were stopped."""
    row = Checkpoint.objects.select_for_update().get(pk=checkpoint.pk)
    if not row.is_quarantined:
        raise Conflict("This model is not in quarantine.")
    row.quarantined_at, row.quarantine_reason = None, ""
    row.save(update_fields=["quarantined_at", "quarantine_reason"])
    record(Act.MODEL_RELEASED, by=by, row=row, name=row.name)
    return row


def check_free(checkpoint: Checkpoint) -> None:
    """Raise Conflict if the model is in quarantine, so that it cannot be changed or deleted."""
    if checkpoint.is_quarantined:
        raise Conflict(
            f"This model is in quarantine ({checkpoint.quarantine_reason}); "
            "nothing about it can be changed until your operator lifts that."
        )
