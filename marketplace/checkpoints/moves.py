"""A worker's transitions of a validation: claim, renew, finish, requeue or lose it.

Leases are compared by the database's clock only. Every write names the attempt that claimed the
validation, so that a worker whose lease has expired cannot change anything.
"""

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from marketplace import storage
from marketplace.checkpoints.checked import NOT_CHECKED, is_read_otherwise
from marketplace.checkpoints.drafts import ABOUT
from marketplace.checkpoints.families import family_of
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.reading import without_filled
from marketplace.checkpoints.states import CheckpointState, sources_of
from marketplace.core.leases import from_now

log = logging.getLogger(__name__)

VALIDATION_LEASE = timedelta(minutes=5)
MAX_LOST_ATTEMPTS = 3
_OF_A_LOSS = ["lost_attempts", "state", "lease_until", "reason", "validated_at", "original_until"]
# Time for which an upload is kept, so that it can be read again differently.
ORIGINAL_KEPT = timedelta(days=1)
DIED = (
    "The process that read this file died three times; save it as safetensors and upload that, "
    "or ask your operator."
)
FAILED = (
    "Reading this file failed three times on our side; your operator can find the reason in the "
    "worker's log. Upload it again once that is fixed."
)


def checkpoint_claim(*, checkpoint_id: UUID | str) -> Checkpoint | None:
    """Claim the validation for this worker. Return None if another worker has it or had it."""
    with transaction.atomic():
        row = Checkpoint.objects.filter(pk=checkpoint_id).first()
        if row is None:
            return None
        taken = Checkpoint.objects.filter(
            pk=row.pk, attempt=row.attempt, state=CheckpointState.UPLOADED
        ).update(
            state=CheckpointState.VALIDATING,
            attempt=F("attempt") + 1,
            lease_until=from_now(VALIDATION_LEASE),
        )
        row.refresh_from_db()
    return row if taken else None


def checkpoint_renew_lease(*, checkpoint: Checkpoint) -> bool:
    """Extend the lease. Return False if it belongs to another worker by now."""
    return bool(_mine(checkpoint).update(lease_until=from_now(VALIDATION_LEASE)))


def checkpoint_finish(*, checkpoint: Checkpoint, to: CheckpointState, **changes: Any) -> bool:
    """End the validation. Return False if the attempt was reclaimed, or the row is gone.

    The last check with pictures is kept only if the model is read as it was then.
    """
    if is_read_otherwise(checkpoint, changes):
        changes = {**changes, **NOT_CHECKED}
    rows = Checkpoint.objects.filter(
        pk=checkpoint.pk, attempt=checkpoint.attempt, state__in=sources_of(to)
    )
    with transaction.atomic():
        row = rows.select_for_update().first()
        if row is None:
            return False
        changes = _without_what_was_said(row, changes)
        if "architecture" in changes:
            changes["family"] = family_of(changes["architecture"])
        rows.update(state=to, lease_until=None, validated_at=timezone.now(), **changes)
    checkpoint.refresh_from_db()
    return True


def _without_what_was_said(row: Checkpoint, changes: dict[str, Any]) -> dict[str, Any]:
    """Prefer what the owner has entered while the file was read."""
    said = {name for name, nothing in ABOUT.items() if getattr(row, name) != nothing}
    kept = {name: value for name, value in changes.items() if name not in said}
    if said & changes.keys():
        kept["reading"] = without_filled(changes["reading"], said)
    return kept


def checkpoint_keep(*, checkpoint: Checkpoint, reason: str) -> bool:
    """Refuse a change to a valid model, which stays as it was. `reason` is shown to its owner."""
    updated = _mine(checkpoint).update(state=CheckpointState.VALID, lease_until=None, reason=reason)
    if updated:
        checkpoint.refresh_from_db()
    return bool(updated)


def checkpoint_requeue(*, checkpoint: Checkpoint) -> None:
    """Requeue a validation after an outage of ours, without counting the attempt."""
    _mine(checkpoint).update(state=CheckpointState.UPLOADED, lease_until=None, woken_at=Now())


def checkpoint_lose(*, checkpoint: Checkpoint, reason: str) -> None:
    """Count a failed attempt. After the third, end the validation with `reason`.

    A first validation ends with a rejection. A model that was valid stays as it was.
    """
    _lose(_mine(checkpoint), reason)


def checkpoint_reclaim(*, checkpoint: Checkpoint) -> None:
    """Lose the validation of a silent worker, unless it has renewed its lease meanwhile."""
    _lose(_mine(checkpoint).filter(lease_until__lt=Now()), DIED)


def _mine(checkpoint: Checkpoint) -> "QuerySet[Checkpoint]":
    return Checkpoint.objects.filter(
        pk=checkpoint.pk, attempt=checkpoint.attempt, state=CheckpointState.VALIDATING
    )


def _lose(rows: "QuerySet[Checkpoint]", reason: str) -> None:
    with transaction.atomic():
        row = rows.select_for_update().first()
        if row is None:
            return
        row.lost_attempts += 1
        row.state, row.lease_until = CheckpointState.UPLOADED, None
        if row.lost_attempts >= MAX_LOST_ATTEMPTS:
            _end_unread(row, reason)
        row.save(update_fields=_OF_A_LOSS)
    if row.state == CheckpointState.REJECTED:
        _remove_original(row)


def _end_unread(row: Checkpoint, reason: str) -> None:
    row.reason = reason
    if row.was_validated:
        row.state = CheckpointState.VALID
        return
    row.state, row.validated_at = CheckpointState.REJECTED, timezone.now()
    # Its readers died from this file, so it is not read again.
    row.original_until = None


def _remove_original(row: Checkpoint) -> None:
    try:
        storage.remove(storage.incoming_key(row.pk))
    except Exception:
        # A file that stays is swept later. The rejection is final.
        log.exception("the file of rejected checkpoint %s could not be removed", row.pk)
