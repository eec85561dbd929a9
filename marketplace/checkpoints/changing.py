"""Changes to a model after its upload: at once, or after a worker has checked them with the file.

A rejected model is changed at once and read again. A valid model stays as it is, with the change in
`pending`, until a worker has read it with the change. Then both take effect together, or neither
does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from contract.declared import DECLARED
from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.drafts import (
    check_dataset,
    check_name,
    check_new_name,
    check_read,
    check_sharing,
)
from marketplace.checkpoints.holding import checkpoint_hold, is_in_use
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.reading import without_filled
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import Conflict, DomainError
from marketplace.queue import Task, enqueue

_AT_ONCE = {"description", "dataset", "licence", "consent_recovery", "consent_preview"}
_ALL = frozenset(DECLARED)
_OF_THE_ORIGINAL = frozenset({"architecture", "weights"})


@dataclass(frozen=True)
class Locked:
    """Fields that cannot be changed now, and the reason."""

    fields: frozenset[str]
    why: str


@transaction.atomic
def checkpoint_change(*, checkpoint: Checkpoint, by: User, values: Mapping[str, Any]) -> Checkpoint:
    """Change the description of a model. Changes that must match the file go to a worker first.

    Withdrawn consent also stops running jobs, at the next tick. Raise Conflict if a field can no
    longer be changed.
    """
    row = checkpoint_hold(checkpoint=checkpoint)
    wrong: dict[str, str] = {}
    at_once = _changed_at_once(row, by, values, wrong)
    read = _changed_reading(row, values, wrong)
    if wrong:
        raise DomainError("Some of the changes cannot be made.", fields=wrong)
    row.reading = without_filled(
        row.reading, (name for name, value in at_once.items() if value != getattr(row, name))
    )
    for name, value in at_once.items():
        setattr(row, name, value)
    if not row.consent_recovery:
        row.consent_preview = False
    if read:
        locked = locked_fields(row)
        if locked.fields & read.keys():
            raise Conflict(locked.why)
        _read_again(row, read)
    elif row.state == CheckpointState.VALID:
        # A refused change needs no further explanation.
        row.pending, row.reason = {}, ""
    row.save()
    record(Act.MODEL_CHANGED, by=by, row=row, **_for_the_log(row, read))
    checkpoint.refresh_from_db()
    return checkpoint


def _changed_at_once(
    row: Checkpoint, by: User, values: Mapping[str, Any], wrong: dict[str, str]
) -> dict[str, Any]:
    changes = {name: value for name, value in values.items() if name in _AT_ONCE}
    if "dataset" in values:
        changes["dataset"] = check_dataset(values["dataset"], wrong)
    if "name" in values:
        same = values["name"] == row.name
        name = values["name"]
        changes["name"] = check_name(name, wrong) if same else check_new_name(by, name, wrong)
    if "visibility" in values:
        changes |= check_sharing(by, values["visibility"], values.get("team"), wrong)
    if changes.get("licence", Licence.MIT) not in Licence.values:
        wrong["licence"] = f"Choose one of {', '.join(Licence.values)}."
    return changes


def _changed_reading(
    row: Checkpoint, values: Mapping[str, Any], wrong: dict[str, str]
) -> dict[str, Any]:
    """Return the cleaned changes that a worker must check; empty if nothing changes."""
    now = {name: getattr(row, name) for name in DECLARED}
    said = {name: values[name] for name in DECLARED if name in values and values[name] != now[name]}
    if not said:
        return {}
    problems: dict[str, str] = {}
    tidy = check_read({**now, **said}, problems)
    if "architecture" not in said:
        # A worker set the architecture, and no worker may have published its list yet.
        problems.pop("architecture", None)
        tidy["architecture"] = now["architecture"]
    wrong |= problems
    return {name: value for name, value in tidy.items() if value != now[name]}


def locked_fields(row: Checkpoint) -> Locked:
    """Return the fields that no worker could check now, or that must not change."""
    if not row.is_final:
        return Locked(_ALL, "A worker is reading this model; change this once it has finished.")
    if is_in_use(row):
        return Locked(
            _ALL,
            "A job has used this model, so its classes, input, architecture and weights stay as "
            "they are; upload the file again to describe it differently.",
        )
    if row.keeps_original:
        return Locked(frozenset(), "")
    if not row.was_validated:
        return Locked(_ALL, "The file is no longer kept; upload it again.")
    return Locked(
        _OF_THE_ORIGINAL,
        "The uploaded file is no longer kept; upload it again to change its architecture or "
        "weights.",
    )


def _read_again(row: Checkpoint, changes: Mapping[str, Any]) -> None:
    """Validate the model again, from the upload if it is kept, else from the stored file."""
    if row.was_validated:
        row.pending = dict(changes)
        if not row.keeps_original:
            row.original_until = None
    else:
        row.reading = without_filled(row.reading, changes)
        for name, value in changes.items():
            setattr(row, name, value)
    row.state, row.reason, row.lost_attempts = CheckpointState.UPLOADED, "", 0
    row.woken_at = timezone.now()
    enqueue(Task.VALIDATE_CHECKPOINT, checkpoint_id=str(row.pk))


def _for_the_log(row: Checkpoint, read: Mapping[str, Any]) -> dict[str, Any]:
    names = ("visibility", "consent_recovery", "consent_preview")
    shared = {name: getattr(row, name) for name in names}
    return {**shared, "read_again_for": sorted(read)} if read else shared
