"""Validation of an upload or a change: claim, read in the sandbox, store our own file, finish."""

import logging
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils import timezone

from contract.declared import DECLARED
from marketplace import storage
from marketplace.checkpoints.drafts import ABOUT
from marketplace.checkpoints.licences import licence_named
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import (
    DIED,
    FAILED,
    ORIGINAL_KEPT,
    checkpoint_claim,
    checkpoint_finish,
    checkpoint_keep,
    checkpoint_lose,
    checkpoint_requeue,
)
from marketplace.checkpoints.states import CheckpointState
from worker.lease import CheckpointHeartbeat
from worker.publishing import file_sha256
from worker.retry import CLAIM_TIMEOUT_S, is_transient, retry_transient
from worker.sandbox.client import SandboxCrashed, SandboxError
from worker.sandbox.sanitising import sanitise_fields, sanitise_reading
from worker.sandbox.validation import DeclaredUpload, ValidationResult, validate_file

log = logging.getLogger(__name__)

_FILLED_FIELDS = {"normalisation": {"mean", "std"}}
HASH_MISMATCH = ValidationResult(
    ok=False,
    reason="The file was damaged in transit: its SHA-256 differs from that of the upload; "
    "upload it again.",
)


def validate_checkpoint(checkpoint_id: str) -> None:
    """Claim and validate a checkpoint. A second delivery of the same message does nothing."""
    claim = retry_transient(checkpoint_claim, timeout_s=CLAIM_TIMEOUT_S)
    checkpoint = claim(checkpoint_id=checkpoint_id)
    if checkpoint is None:
        return
    try:
        with CheckpointHeartbeat(checkpoint):
            _validate(checkpoint)
    except SandboxCrashed:
        retry_transient(checkpoint_lose)(checkpoint=checkpoint, reason=DIED)
        raise
    except Exception as error:
        if not _is_infrastructure(error):
            retry_transient(checkpoint_lose)(checkpoint=checkpoint, reason=FAILED)
            raise
        # The row waits, so that this worker can answer requests meanwhile.
        log.exception("checkpoint %s cannot be read now; it waits for another try", checkpoint_id)
        retry_transient(checkpoint_requeue)(checkpoint=checkpoint)


def _is_infrastructure(error: Exception) -> bool:
    """Return whether database, storage or machine failed, so that no attempt is counted."""
    return is_transient(error) or isinstance(error, OSError | ClientError | SandboxError)


def _validate(checkpoint: Checkpoint) -> None:
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        target = Path(folder) / "model.safetensors"
        result = _read(checkpoint, target)
        finished = _accept(checkpoint, result, target) if result.ok else _refuse(checkpoint, result)
    if finished:
        _clean_up(checkpoint)
        return
    # No other attempt writes under this attempt's key.
    _remove(storage.checkpoint_key(checkpoint.pk, checkpoint.attempt))
    if Checkpoint.objects.filter(pk=checkpoint.pk).exists():
        log.warning("checkpoint %s has gone to another worker", checkpoint.pk)
    else:
        # Its owner has deleted it meanwhile, so its upload is deleted too.
        _remove(storage.incoming_key(checkpoint.pk))


def _read(checkpoint: Checkpoint, target: Path) -> ValidationResult:
    """Validate the upload, or our own file if only its description changes."""
    if not checkpoint.reads_original:
        with storage.local_copy(checkpoint.stored_key) as source:
            return validate_file(source, target, _declared(checkpoint))
    with storage.local_copy(storage.incoming_key(checkpoint.pk)) as source:
        # The row then has the hash of the bytes that were read here.
        actual = file_sha256(source)
        expected, checkpoint.upload_sha256 = checkpoint.upload_sha256, actual
        if expected not in {"", actual}:
            return HASH_MISMATCH
        return validate_file(source, target, _declared(checkpoint))


def _clean_up(checkpoint: Checkpoint) -> None:
    if checkpoint.original_until is None:
        _remove(storage.incoming_key(checkpoint.pk))
    for attempt in range(checkpoint.attempt + 1):
        if attempt != checkpoint.stored_by or not checkpoint.was_validated:
            _remove(storage.checkpoint_key(checkpoint.pk, attempt))


def _remove(key: str) -> None:
    """Remove a stored file. An error does not change the verdict; the file is swept later."""
    try:
        storage.remove(key)
    except Exception:
        log.exception("%s could not be removed", key)


def _declared(row: Checkpoint) -> DeclaredUpload:
    fields = {name: getattr(row, name) for name in DECLARED} | row.pending
    hints = _reader_hints(row, fields)
    return DeclaredUpload(**{**fields, **hints, "name": row.name}, left_open=_left_open(row))


def _left_open(row: Checkpoint) -> tuple[str, ...]:
    """Return the fields that the first reading fills in. Later only the owner changes them."""
    if row.was_validated:
        return ()
    return tuple(name for name, empty in ABOUT.items() if getattr(row, name) == empty)


def _reader_hints(row: Checkpoint, fields: dict[str, Any]) -> dict[str, str]:
    """Return how to read the file. Our own file is read as it was written."""
    if not row.reads_original:
        return {"architecture": row.architecture, "weights": "", "file_name": ""}
    chosen = (
        not row.was_validated
        or "architecture" in row.pending
        or row.reading.get("told_by") == "chosen"
    )
    return {
        "architecture": fields["architecture"] if chosen else "",
        "weights": fields["weights"],
        "file_name": row.file_name,
    }


def _accept(checkpoint: Checkpoint, result: ValidationResult, target: Path) -> bool:
    sha256, size = file_sha256(target), target.stat().st_size
    storage.adopt_file(storage.checkpoint_key(checkpoint.pk, checkpoint.attempt), target)
    changed = {name: value for name, value in checkpoint.pending.items() if name in DECLARED}
    reading = _merged_reading(checkpoint, sanitise_reading(result.reading))
    has_other_weights = checkpoint.reads_original and reading.get("other_weights")
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.VALID,
        **changed
        # After the change, which may clear a field again.
        | _filled_fields(result)
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
            "original_until": _in_a_day() if has_other_weights else None,
        },
    )


def _filled_fields(result: ValidationResult) -> dict[str, Any]:
    fields = sanitise_fields(result.filled)
    if "licence" in fields:
        fields["licence"] = licence_named(fields["licence"])
    return fields


def _merged_reading(checkpoint: Checkpoint, now: dict[str, Any]) -> dict[str, Any]:
    """Combine the reading with the sources of fields that the owner has not changed."""
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
    if checkpoint.was_validated:
        return checkpoint_keep(checkpoint=checkpoint, reason=result.reason)
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.REJECTED,
        upload_sha256=checkpoint.upload_sha256,
        reason=result.reason,
        reading=_merged_reading(checkpoint, sanitise_reading(result.reading)),
        **_filled_fields(result),
        # A damaged file gives the same result again.
        original_until=None if result is HASH_MISMATCH else _in_a_day(),
    )


def _in_a_day() -> datetime:
    return timezone.now() + ORIGINAL_KEPT
