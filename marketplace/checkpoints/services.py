"""Writes about checkpoints: the only place that changes one."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import Team, User, Visibility
from marketplace.accounts.selectors import teams_of
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState, sources_of
from marketplace.checkpoints.uploads import (
    IncomingFile,
    RefusedFile,
    disk_full,
    room_for_upload,
)
from marketplace.core.errors import Conflict, DomainError
from marketplace.queue import Task, enqueue

MAX_CLASSES = 10_000
MIN_IMAGE_SIZE, MAX_IMAGE_SIZE = 8, 512
VALIDATION_LEASE = timedelta(minutes=5)
WAKE_AGAIN = timedelta(seconds=60)
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class CheckpointDraft:
    """What the uploader says about a file."""

    name: str
    class_names: Sequence[str]
    image_size: int
    channels: int
    mean: Sequence[float]
    std: Sequence[float]
    licence: str
    architecture: str = ""
    description: str = ""
    dataset: str = ""
    visibility: str = Visibility.PRIVATE
    team: Team | None = None
    consent_recovery: bool = False
    consent_preview: bool = False


def checkpoint_upload(*, owner: User, draft: CheckpointDraft, file: "File[bytes]") -> Checkpoint:
    """Store the file, make the row and ask a worker to validate it.

    The file is hashed while it is streamed. Nothing stays behind when anything fails.
    """
    fields = draft_check(owner=owner, draft=draft)
    _check_room(owner, file)
    checkpoint = Checkpoint(owner=owner, **fields)
    key = storage.incoming_key(checkpoint.pk)
    try:
        checkpoint.upload_sha256, checkpoint.upload_bytes = _store(key, file)
        with transaction.atomic():
            checkpoint.woken_at = timezone.now()
            checkpoint.save(force_insert=True)
            enqueue(Task.VALIDATE_CHECKPOINT, checkpoint_id=str(checkpoint.pk))
            record(Act.MODEL_UPLOADED, by=owner, row=checkpoint, name=checkpoint.name)
    except OSError as error:
        storage.remove(key)
        raise disk_full() from error
    except BaseException:
        storage.remove(key)
        raise
    return checkpoint


def _store(key: str, file: "File[bytes]") -> tuple[str, int]:
    """Put the file under the key; its hash and size."""
    if isinstance(file, IncomingFile):
        storage.adopt_file(key, file.take())
        return file.sha256, file.size or 0
    hashing = HashingFile(file)
    storage.put_stream(key, hashing)
    return hashing.sha256, hashing.size_read


class HashingFile(File):
    """A file that is hashed while somebody else reads its chunks."""

    def __init__(self, file: "File[bytes]") -> None:
        super().__init__(file.file, name=file.name)
        self._inner = file
        self._hash = hashlib.sha256()
        self.size_read = 0

    def chunks(self, chunk_size: int | None = None) -> Any:
        """Hand the chunks on."""
        for chunk in self._inner.chunks(chunk_size):
            self._hash.update(chunk)
            self.size_read += len(chunk)
            yield chunk

    def read(self, size: int = -1) -> bytes:
        """Hand the bytes on; object stores read instead of iterating."""
        data: bytes = self._inner.read(size)
        self._hash.update(data)
        self.size_read += len(data)
        return data

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._hash.hexdigest()


def draft_check(*, owner: User, draft: CheckpointDraft) -> dict[str, Any]:
    """The row's fields, or DomainError naming every field that is wrong."""
    wrong: dict[str, str] = {}
    fields = {
        "name": _check_name(draft.name, wrong),
        "description": draft.description.strip()[:20_000],
        "dataset": draft.dataset.strip()[:80],
        "architecture": draft.architecture.strip()[:60],
        "class_names": _check_class_names(draft.class_names, wrong),
        "image_size": _check_range("image_size", draft.image_size, wrong),
        "channels": draft.channels,
        "licence": draft.licence,
        "consent_recovery": draft.consent_recovery,
        "consent_preview": draft.consent_preview and draft.consent_recovery,
        **_check_sharing(owner, draft.visibility, draft.team, wrong),
    }
    if draft.channels not in (1, 3):
        wrong["channels"] = "Give 1 for grey or 3 for colour images."
    if draft.licence not in Licence.values:
        wrong["licence"] = f"Choose one of {', '.join(Licence.values)}."
    fields["mean"] = _check_statistics("mean", draft.mean, draft.channels, wrong)
    fields["std"] = _check_statistics("std", draft.std, draft.channels, wrong)
    if wrong:
        raise DomainError("Some of what you say about the model cannot be used.", fields=wrong)
    return fields


def _check_name(name: str, wrong: dict[str, str]) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        wrong["name"] = "Give the model a name of at most 120 characters."
    return name[:120]


def _check_class_names(names: Sequence[str], wrong: dict[str, str]) -> list[str]:
    cleaned = [" ".join(str(name).split()) for name in names]
    if len(cleaned) < 2 or len(cleaned) > MAX_CLASSES:
        wrong["class_names"] = (
            "Name at least two classes, one for each output, in the order of the outputs."
        )
    elif any(not name or len(name) > 100 for name in cleaned):
        wrong["class_names"] = "Every class needs a name of 1 to 100 characters."
    elif len(set(cleaned)) != len(cleaned):
        twice = next(name for name in cleaned if cleaned.count(name) > 1)
        wrong["class_names"] = f"“{twice}” stands there twice; every class needs its own name."
    return cleaned


def _check_range(field: str, value: int, wrong: dict[str, str]) -> int:
    if not MIN_IMAGE_SIZE <= value <= MAX_IMAGE_SIZE:
        wrong[field] = (
            f"Give the height of the input in pixels, from {MIN_IMAGE_SIZE} to {MAX_IMAGE_SIZE}."
        )
    return value


def _check_statistics(
    field: str, values: Sequence[float], channels: int, wrong: dict[str, str]
) -> list[float]:
    numbers = [float(value) for value in values]
    if "channels" in wrong:
        return numbers
    if len(numbers) != channels or not all(math.isfinite(number) for number in numbers):
        wrong[field] = f"Give one number for each of the {channels} channels, of images in 0 to 1."
    elif field == "std" and min(numbers) <= 0:
        wrong[field] = "A standard deviation must be above 0."
    elif max(abs(number) for number in numbers) > 10:
        wrong[field] = "Give the number for images scaled to 0 to 1, not 0 to 255."
    return numbers


def _check_sharing(
    owner: User, visibility: str, team: Team | None, wrong: dict[str, str]
) -> dict[str, Any]:
    if visibility not in Visibility.values:
        wrong["visibility"] = f"Choose one of {', '.join(Visibility.values)}."
    elif visibility == Visibility.TEAM and team is None:
        wrong["team"] = "Choose the team that may see it."
    if team is not None and not teams_of(owner).filter(pk=team.pk).exists():
        wrong["team"] = "You are not in that team."
    return {"visibility": visibility, "team": team if visibility == Visibility.TEAM else None}


def _check_room(owner: User, file: "File[bytes]") -> None:
    if isinstance(file, RefusedFile):
        raise file.error
    if not file.size:
        raise DomainError("The file is empty; choose another one.", fields={"file": "Empty file."})
    room, error = room_for_upload(owner)
    if file.size > room:
        raise error


def checkpoint_change(*, checkpoint: Checkpoint, by: User, values: Mapping[str, Any]) -> Checkpoint:
    """Change description, sharing or consent. Consent withdrawn holds for every later job."""
    wrong: dict[str, str] = {}
    allowed = {"description", "dataset", "licence", "consent_recovery", "consent_preview"}
    changes = {name: value for name, value in values.items() if name in allowed}
    if "visibility" in values:
        changes |= _check_sharing(by, values["visibility"], values.get("team"), wrong)
    if changes.get("licence", Licence.MIT) not in Licence.values:
        wrong["licence"] = f"Choose one of {', '.join(Licence.values)}."
    if wrong:
        raise DomainError("Some of the changes cannot be made.", fields=wrong)
    for name, value in changes.items():
        setattr(checkpoint, name, value)
    if not checkpoint.consent_recovery:
        checkpoint.consent_preview = False
        changes["consent_preview"] = False
    with transaction.atomic():
        checkpoint.save(update_fields=list(changes) or None)
        record(Act.MODEL_CHANGED, by=by, row=checkpoint, **_shared(checkpoint))
    return checkpoint


def _shared(checkpoint: Checkpoint) -> dict[str, Any]:
    """Who may do what with it from now on, for the log."""
    names = ("visibility", "consent_recovery", "consent_preview")
    return {name: getattr(checkpoint, name) for name in names}


def checkpoint_delete(*, checkpoint: Checkpoint) -> None:
    """Delete row and files. A model that a job has used stays, because its lineage names it."""
    if checkpoint.pools.filter(pool__frozen_at__isnull=False).exists():
        raise Conflict(
            "This model is part of a pool that a job has used; make it private and withdraw the "
            "consent to recovery instead."
        )
    keys = [storage.incoming_key(checkpoint.pk), storage.checkpoint_key(checkpoint.pk)]
    with transaction.atomic():
        # Pools that nobody has used yet go on without it.
        checkpoint.pools.all().delete()
        record(Act.MODEL_DELETED, by=checkpoint.owner, row=checkpoint, name=checkpoint.name)
        checkpoint.delete()
    for key in keys:
        storage.remove(key)


def checkpoint_claim(*, checkpoint_id: UUID | str) -> Checkpoint | None:
    """Take the validation for this worker; None when somebody else has it or had it."""
    now = timezone.now()
    with transaction.atomic():
        row = Checkpoint.objects.filter(pk=checkpoint_id).first()
        if row is None:
            return None
        taken = Checkpoint.objects.filter(
            pk=row.pk, attempt=row.attempt, state=CheckpointState.UPLOADED
        ).update(
            state=CheckpointState.VALIDATING,
            attempt=row.attempt + 1,
            lease_until=now + VALIDATION_LEASE,
        )
        row.refresh_from_db()
    return row if taken else None


def checkpoint_finish(*, checkpoint: Checkpoint, to: CheckpointState, **changes: Any) -> bool:
    """End the validation; False when this attempt was given up for dead meanwhile."""
    updated = Checkpoint.objects.filter(
        pk=checkpoint.pk, attempt=checkpoint.attempt, state__in=sources_of(to)
    ).update(state=to, lease_until=None, validated_at=timezone.now(), **changes)
    checkpoint.refresh_from_db()
    return bool(updated)


def checkpoints_keep_time() -> None:
    """Take silent validations back, and wake a worker for those still waiting."""
    now = timezone.now()
    silent = Checkpoint.objects.filter(state=CheckpointState.VALIDATING, lease_until__lt=now)
    for row in silent:
        if row.attempt >= MAX_ATTEMPTS:
            checkpoint_finish(
                checkpoint=row,
                to=CheckpointState.REJECTED,
                reason="The worker died three times while reading this file; "
                "save it as safetensors and upload that.",
            )
            storage.remove(storage.incoming_key(row.pk))
        else:
            Checkpoint.objects.filter(pk=row.pk, attempt=row.attempt).update(
                state=CheckpointState.UPLOADED, lease_until=None
            )
    waiting = Checkpoint.objects.filter(state=CheckpointState.UPLOADED).filter(
        Q(woken_at__isnull=True) | Q(woken_at__lt=now - WAKE_AGAIN)
    )
    for pk in waiting.values_list("pk", flat=True)[:100]:
        Checkpoint.objects.filter(pk=pk).update(woken_at=now)
        enqueue(Task.VALIDATE_CHECKPOINT, checkpoint_id=str(pk))
