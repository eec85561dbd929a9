"""Writes about checkpoints: the only place that changes one."""

import hashlib
import json
from typing import Any

from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.drafts import CheckpointDraft, draft_check
from marketplace.checkpoints.holding import checkpoint_hold, is_in_use
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict
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
    """Store the file, make the row and ask a worker to validate it.

    The file is hashed while it is streamed. Nothing stays behind when anything fails. The same
    idempotency key with the same description and bytes gives the same checkpoint again.
    """
    fields = {
        **draft_check(owner=owner, draft=draft),
        "file_name": safe_file_name(file.name or ""),
    }
    check_not_empty(file)
    check_room(owner, file.size)
    checkpoint = Checkpoint(owner=owner, idempotency_key=idempotency_key[:120], **fields)
    key = storage.incoming_key(checkpoint.pk)
    try:
        checkpoint.upload_sha256, checkpoint.upload_bytes = hash_and_size(file)
        store_received(key, file)
        checkpoint.request_digest = request_digest([fields, checkpoint.upload_sha256])
        if earlier := _earlier(checkpoint):
            storage.remove(key)
            return earlier
        with transaction.atomic():
            User.objects.select_for_update().get(pk=owner.pk)  # one at a time takes the room
            check_room(owner, file.size)
            checkpoint_arrived(checkpoint=checkpoint)
    except IntegrityError:
        storage.remove(key)
        # The same request came twice at the same moment; the other one made the row.
        if earlier := _earlier(checkpoint):
            return earlier
        raise
    except OSError as error:
        storage.remove(key)
        raise disk_full() from error
    except BaseException:
        storage.remove(key)
        raise
    return checkpoint


@transaction.atomic
def checkpoint_arrived(*, checkpoint: Checkpoint) -> None:
    """Write the row of a file that lies under its key, and ask a worker to validate it."""
    checkpoint.woken_at = timezone.now()
    checkpoint.save(force_insert=True)
    enqueue(Task.VALIDATE_CHECKPOINT, checkpoint_id=str(checkpoint.pk))
    record(Act.MODEL_UPLOADED, by=checkpoint.owner, row=checkpoint, name=checkpoint.name)


def request_digest(request: Any) -> str:
    """By which a request that is sent again is told from another one."""
    text = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _earlier(new: Checkpoint) -> Checkpoint | None:
    """What this person's request with the same key made before."""
    if not new.idempotency_key:
        return None
    same_key = Checkpoint.objects.filter(owner=new.owner, idempotency_key=new.idempotency_key)
    row = same_key.first()
    if row is not None and row.request_digest != new.request_digest:
        raise key_used()
    return row


def key_used() -> Conflict:
    """What is told of a key that came with another request before."""
    return Conflict(
        "This Idempotency-Key was used for another request; send a new key with a new request."
    )


def checkpoint_delete(*, checkpoint: Checkpoint) -> None:
    """Delete row and files. A model that a job has used stays, because its lineage names it."""
    with transaction.atomic():
        row = checkpoint_hold(checkpoint=checkpoint)
        if is_in_use(row):
            raise Conflict(
                "This model is part of a pool that a job has used; make it private and withdraw "
                "the consent to recovery instead."
            )
        # Pools that nobody has used yet go on without it.
        checkpoint.pools.all().delete()
        # By the query, so that the row that the log speaks of keeps its id.
        Checkpoint.objects.filter(pk=checkpoint.pk).delete()
        record(Act.MODEL_DELETED, by=checkpoint.owner, row=checkpoint, name=checkpoint.name)
    storage.remove(storage.incoming_key(checkpoint.pk))
    for attempt in range(row.attempt + 1):
        storage.remove(storage.checkpoint_key(checkpoint.pk, attempt))
