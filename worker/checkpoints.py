"""Validates one upload or change: claim, read in a child process, keep our own file, say so."""

import logging
import tempfile
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils import timezone

from marketplace import storage
from marketplace.checkpoints.drafts import ABOUT, READ
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import (
    DIED,
    FAILED,
    ORIGINAL_KEPT,
    checkpoint_claim,
    checkpoint_finish,
    checkpoint_give_back,
    checkpoint_keep,
    checkpoint_lose,
)
from marketplace.checkpoints.states import CheckpointState
from worker.patience import passes, patiently
from worker.publishing import file_sha256
from worker.reading import Reading
from worker.sandbox import SandboxBroken, SandboxDied
from worker.told import told, told_fields
from worker.validation import DeclaredModel, ValidationResult, validate_file

log = logging.getLogger(__name__)

# A message whose database is away is let go soon: the clock sends it again.
_CLAIM_PATIENCE_S = 60.0
_FILLED_FIELDS = {"normalisation": {"mean", "std"}}
ANOTHER_FILE = ValidationResult(
    ok=False,
    reason="The file is not the one that was sent: its SHA-256 is another; upload it again.",
)


def validate_checkpoint(checkpoint_id: str) -> None:
    """A second delivery of the same message does nothing."""
    claim = partial(checkpoint_claim, checkpoint_id=checkpoint_id)
    checkpoint = patiently(claim, patience_s=_CLAIM_PATIENCE_S)
    if checkpoint is None:
        return
    try:
        with Reading(checkpoint):
            _validate(checkpoint)
    except SandboxDied:
        patiently(partial(checkpoint_lose, checkpoint=checkpoint, reason=DIED))
        raise
    except Exception as error:
        if not _is_ours(error):
            patiently(partial(checkpoint_lose, checkpoint=checkpoint, reason=FAILED))
            raise
        # The row waits, not this worker, which has requests of people to answer.
        log.exception("checkpoint %s cannot be read now; it waits", checkpoint_id)
        patiently(partial(checkpoint_give_back, checkpoint=checkpoint))


def _is_ours(error: Exception) -> bool:
    """Whether database, storage or this machine are to blame: a file must never pay for them."""
    return passes(error) or isinstance(error, OSError | ClientError | SandboxBroken)


def _validate(checkpoint: Checkpoint) -> None:
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        target = Path(folder) / "model.safetensors"
        result = _read(checkpoint, target)
        finished = _accept(checkpoint, result, target) if result.ok else _refuse(checkpoint, result)
    if finished:
        _clean_up(checkpoint)
        return
    # What this attempt wrote is of no use; no other attempt writes under its key.
    _remove(storage.checkpoint_key(checkpoint.pk, checkpoint.attempt))
    if Checkpoint.objects.filter(pk=checkpoint.pk).exists():
        log.warning("checkpoint %s was given to another worker meanwhile", checkpoint.pk)
    else:
        # Its owner has deleted it: what was read since must not outlive that.
        _remove(storage.incoming_key(checkpoint.pk))


def _read(checkpoint: Checkpoint, target: Path) -> ValidationResult:
    """The verdict on the upload, or on our own file when only what is said about it changes."""
    if not checkpoint.reads_original:
        with storage.local_copy(checkpoint.stored_key) as source:
            return validate_file(source, target, _declared(checkpoint))
    with storage.local_copy(storage.incoming_key(checkpoint.pk)) as source:
        # What is given back as the upload's hash is that of the bytes that were read here.
        arrived = file_sha256(source)
        sent, checkpoint.upload_sha256 = checkpoint.upload_sha256, arrived
        if sent not in {"", arrived}:
            return ANOTHER_FILE
        return validate_file(source, target, _declared(checkpoint))


def _clean_up(checkpoint: Checkpoint) -> None:
    """What has served goes: an upload that cannot be asked for again, files of earlier attempts."""
    if checkpoint.original_until is None:
        _remove(storage.incoming_key(checkpoint.pk))
    for attempt in range(checkpoint.attempt + 1):
        if attempt != checkpoint.stored_by or not checkpoint.was_validated:
            _remove(storage.checkpoint_key(checkpoint.pk, attempt))


def _remove(key: str) -> None:
    """What cannot be removed now changes no verdict; an original is swept later."""
    try:
        storage.remove(key)
    except Exception:
        log.exception("%s could not be removed", key)


def _declared(row: Checkpoint) -> DeclaredModel:
    """What its owner says of the file, with the change that waits for this check."""
    said = {name: getattr(row, name) for name in READ} | row.pending
    told = _told_to_the_reader(row, said)
    return DeclaredModel(
        name=row.name,
        architecture=told["architecture"],
        class_names=tuple(said["class_names"]),
        image_size=said["image_size"],
        channels=said["channels"],
        mean=tuple(said["mean"]),
        std=tuple(said["std"]),
        weights=told["weights"],
        file_name=told["file_name"],
        open=_left_open(row),
    )


def _left_open(row: Checkpoint) -> tuple[str, ...]:
    """What the first reading takes from the files; later its owner has had a word."""
    if row.was_validated:
        return ()
    return tuple(name for name, nothing in ABOUT.items() if getattr(row, name) == nothing)


def _told_to_the_reader(row: Checkpoint, said: dict[str, Any]) -> dict[str, str]:
    """Our own file has one kind of weights and is what it was read as; an upload may be asked."""
    if not row.reads_original:
        return {"architecture": row.architecture, "weights": "", "file_name": ""}
    chosen = (
        not row.was_validated
        or "architecture" in row.pending
        or row.reading.get("told_by") == "chosen"
    )
    return {
        "architecture": said["architecture"] if chosen else "",
        "weights": said["weights"],
        "file_name": row.file_name,
    }


def _accept(checkpoint: Checkpoint, result: ValidationResult, target: Path) -> bool:
    """The model is valid, with the change that it waited for."""
    sha256, size = file_sha256(target), target.stat().st_size
    storage.adopt_file(storage.checkpoint_key(checkpoint.pk, checkpoint.attempt), target)
    changed = {name: value for name, value in checkpoint.pending.items() if name in READ}
    reading = _reading(checkpoint, told(result.reading))
    more = checkpoint.reads_original and reading.get("other_weights")
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.VALID,
        **changed
        # After the change, which may leave a thing open again.
        | told_fields(result.filled)
        | {
            "upload_sha256": checkpoint.upload_sha256,
            "architecture": result.architecture,
            "width": result.width,
            "n_classes": result.n_classes,
            "n_parameters": result.n_parameters,
            "fingerprint": result.fingerprint,
            "reading": reading,
            "reason": "",
            "sha256": sha256,
            "size_bytes": size,
            "stored_by": checkpoint.attempt,
            "pending": {},
            "original_until": _in_a_day() if more else None,
        },
    )


def _reading(checkpoint: Checkpoint, now: dict[str, Any]) -> dict[str, Any]:
    """How the upload was read, and where that comes from which its owner has not said since."""
    before = checkpoint.reading.get("filled", {})
    kept = {
        name: source
        for name, source in before.items()
        if not _FILLED_FIELDS.get(name, {name}) & checkpoint.pending.keys()
    }
    filled = {**kept, **now.get("filled", {})}
    reading = now if checkpoint.reads_original else checkpoint.reading
    return {**reading, "filled": filled} if filled or "filled" in reading else reading


def _refuse(checkpoint: Checkpoint, result: ValidationResult) -> bool:
    """A change of a valid model is refused; any other model is rejected and may be fixed."""
    if checkpoint.was_validated:
        return checkpoint_keep(checkpoint=checkpoint, reason=result.reason)
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.REJECTED,
        upload_sha256=checkpoint.upload_sha256,
        reason=result.reason,
        reading=_reading(checkpoint, told(result.reading)),
        **told_fields(result.filled),
        # Bytes that got lost on their way are not found by reading again.
        original_until=None if result is ANOTHER_FILE else _in_a_day(),
    )


def _in_a_day() -> datetime:
    return timezone.now() + ORIGINAL_KEPT
