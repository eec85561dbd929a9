"""Deletion of a model. If a job has used it, the row stays and says only what the lineage needs."""

from typing import Any

from django.utils import timezone

from marketplace import storage
from marketplace.accounts.services import deleted_user
from marketplace.checkpoints.holding import is_in_use
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.retired_names import name_retire
from marketplace.checkpoints.signals import checkpoint_deleted
from marketplace.checkpoints.states import CheckpointState
from marketplace.uploads.models import Upload

KEPT = frozenset(
    {"id", "created_at", "sha256", "architecture", "family", "n_parameters", "licence"}
)
"""The fields of a deleted model that its row keeps. Every other one loses its value."""


def row_delete(*, row: Checkpoint) -> list[str]:
    """Delete the locked row, or what it says, and return the keys of the files to remove.

    The caller removes them after the transaction.
    """
    keys = [
        storage.incoming_key(row.pk),
        *(storage.checkpoint_key(row.pk, attempt) for attempt in range(row.attempt + 1)),
    ]
    for _, more in checkpoint_deleted.send(sender=Checkpoint, checkpoint=row):
        keys += more or []
    # Pools that no job has used continue without the model.
    row.pools.filter(pool__frozen_at=None).delete()
    # A finished upload in pieces has the model's id and description.
    Upload.objects.filter(pk=row.pk).delete()
    if is_in_use(row):
        name_retire(owner=row.owner, name=row.name)
        _forget(row)
    else:
        # Deleting by query leaves the instance its id, which the log needs.
        Checkpoint.objects.filter(pk=row.pk).delete()
    return keys


def _forget(row: Checkpoint) -> None:
    left = Checkpoint.objects.get(pk=row.pk)
    for field in Checkpoint._meta.concrete_fields:
        if field.name not in KEPT:
            setattr(left, field.attname, _nothing(field))
    left.owner = deleted_user()
    left.state, left.deleted_at = CheckpointState.DELETED, timezone.now()
    left.save()


def _nothing(field: Any) -> Any:
    default = field.get_default()
    return 0 if default is None and not field.null else default


def deleted_forget() -> None:
    """Delete the rows of deleted models that no used pool refers to any more."""
    used = Checkpoint.objects.filter(pools__pool__frozen_at__isnull=False)
    unused = Checkpoint.objects.filter(state=CheckpointState.DELETED).exclude(
        pk__in=used.values("pk")
    )
    for row in unused:
        row.pools.filter(pool__frozen_at=None).delete()
        # Unless a job has begun to use a pool of it between the two statements.
        Checkpoint.objects.filter(pk=row.pk, pools=None).delete()
