"""Creation and deletion of checkpoints."""

from django.core.files import File
from django.db import transaction
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.deleting import row_delete
from marketplace.checkpoints.drafts import CheckpointDraft, draft_check
from marketplace.checkpoints.holding import checkpoint_hold
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.idempotency import MAX_KEY_LENGTH, request_digest, rows_made_before
from marketplace.queue import Task, enqueue
from marketplace.uploads.quota import check_room, disk_full
from marketplace.uploads.received import (
    check_not_empty,
    hash_and_size,
    safe_file_name,
    store_received,
)


def checkpoint_upload(
    *, owner: User, draft: CheckpointDraft, file: "File[bytes]", idempotency_key: str = ""
) -> Checkpoint:
    """Store the file, create the row and ask a worker to validate it.

    The file is hashed once, before it is stored. It is removed if anything fails. The same
    idempotency key with the same description and bytes returns the same checkpoint.
    """
    fields = {
        **draft_check(owner=owner, draft=draft),
        "file_name": safe_file_name(file.name or ""),
    }
    check_not_empty(file)
    check_room(owner, file.size)
    checkpoint = Checkpoint(owner=owner, idempotency_key=idempotency_key[:MAX_KEY_LENGTH], **fields)
    key = storage.incoming_key(checkpoint.pk)
    try:
        checkpoint.upload_sha256, checkpoint.upload_bytes = hash_and_size(file)
        store_received(key, file)
        checkpoint.request_digest = request_digest([fields, checkpoint.upload_sha256])
        with transaction.atomic():
            User.objects.select_for_update().get(
                pk=owner.pk
            )  # one request at a time reserves space
            if earlier := rows_made_before(
                Checkpoint.objects.filter(owner=owner, idempotency_key=checkpoint.idempotency_key),
                checkpoint.request_digest,
            ):
                storage.remove(key)
                return earlier[0]
            check_room(owner, file.size)
            checkpoint_arrived(checkpoint=checkpoint)
    except OSError as error:
        storage.remove(key)
        raise disk_full() from error
    except BaseException:
        storage.remove(key)
        raise
    return checkpoint


@transaction.atomic
def checkpoint_arrived(*, checkpoint: Checkpoint) -> None:
    """Create the row of a stored file, and ask a worker to validate it."""
    checkpoint.woken_at = timezone.now()
    checkpoint.save(force_insert=True)
    enqueue(Task.VALIDATE_CHECKPOINT, checkpoint_id=str(checkpoint.pk))
    record(Act.MODEL_UPLOADED, by=checkpoint.owner, row=checkpoint, name=checkpoint.name)


def checkpoint_delete(*, checkpoint: Checkpoint) -> None:
    """Delete the model and its files. Raise Conflict while it is in quarantine.

    If a job has used the model, its lineage keeps hash, architecture and licence, without name and
    owner. Jobs that use it now stop at the next tick.
    """
    with transaction.atomic():
        row = checkpoint_hold(checkpoint=checkpoint)
        keys = row_delete(row=row)
        record(Act.MODEL_DELETED, by=row.owner, row=row, name=row.name)
    for key in keys:
        storage.remove(key)
