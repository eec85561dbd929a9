"""The check with pictures: how many of the owner's labelled pictures a model gets right.

It reveals what tensors cannot: a wrong architecture, size, normalisation or order of classes.
"""

import hashlib
import json
from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import transaction
from django.utils import timezone

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState

MAX_PICTURES = 50
NOT_CHECKED: dict[str, Any] = {
    "checked_at": None,
    "checked_pictures": 0,
    "checked_right": 0,
    "checked_as": {},
}
_READ = ("architecture", "fingerprint", "image_size", "channels", "mean", "std")


def read_as_now(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return everything that determines a prediction. `fingerprint` identifies the weights."""
    names = json.dumps(checkpoint.class_names).encode()
    read = {name: getattr(checkpoint, name) for name in _READ}
    return {
        **read,
        "weights": checkpoint.reading.get("weights", ""),
        "classes": hashlib.sha256(names).hexdigest(),
    }


def is_read_otherwise(checkpoint: Checkpoint, changes: Mapping[str, Any]) -> bool:
    """Return whether the changes invalidate the last check."""
    if checkpoint.checked_at is None:
        return False
    changed = copy(checkpoint)
    for name, value in changes.items():
        setattr(changed, name, value)
    return bool(read_as_now(changed) != checkpoint.checked_as)


@transaction.atomic
def checkpoint_checked(
    *, checkpoint: Checkpoint, read_as: Mapping[str, Any], right: int, pictures: int
) -> bool:
    """Record the result. Return False if the model has changed since the worker read it."""
    row = Checkpoint.objects.select_for_update().filter(pk=checkpoint.pk).first()
    if row is None or row.state != CheckpointState.VALID or read_as_now(row) != read_as:
        return False
    row.checked_at, row.checked_as = timezone.now(), dict(read_as)
    row.checked_right, row.checked_pictures = right, pictures
    row.save(update_fields=list(NOT_CHECKED))
    return True
