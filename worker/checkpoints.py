"""Validates one upload: claim, read in a child process, keep our own file, say so in the row."""

import logging
import tempfile
from functools import partial
from pathlib import Path

from botocore.exceptions import ClientError
from django.conf import settings

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import (
    DIED,
    FAILED,
    checkpoint_claim,
    checkpoint_finish,
    checkpoint_give_back,
    checkpoint_lose,
)
from marketplace.checkpoints.states import CheckpointState
from worker.patience import passes, patiently
from worker.publishing import file_sha256
from worker.reading import Reading
from worker.sandbox import SandboxBroken, SandboxDied
from worker.told import told
from worker.validation import DeclaredModel, ValidationResult, validate_file

log = logging.getLogger(__name__)

# A message whose database is away is let go soon: the clock sends it again.
_CLAIM_PATIENCE_S = 60.0


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
    incoming = storage.incoming_key(checkpoint.pk)
    with tempfile.TemporaryDirectory(dir=settings.FILE_UPLOAD_TEMP_DIR) as folder:
        target = Path(folder) / "model.safetensors"
        with storage.local_copy(incoming) as source:
            # What is given back as the upload's hash is that of the bytes that were read here.
            arrived = file_sha256(source)
            result = _as_it_was_sent(checkpoint, arrived) or validate_file(
                source, target, _declared(checkpoint)
            )
        checkpoint.upload_sha256 = arrived
        finished = _accept(checkpoint, result, target) if result.ok else _reject(checkpoint, result)
    if finished:
        # The original has served: what we keep and serve is our own re-serialisation.
        _remove(incoming)
    elif Checkpoint.objects.filter(pk=checkpoint.pk).exists():
        log.warning("checkpoint %s was given to another worker meanwhile", checkpoint.pk)
    else:
        # Its owner has deleted it: what was read and written since must not outlive that.
        _remove(incoming)
        _remove(storage.checkpoint_key(checkpoint.pk))


def _remove(key: str) -> None:
    """What cannot be removed now changes no verdict; an original is swept later."""
    try:
        storage.remove(key)
    except Exception:
        log.exception("%s could not be removed", key)


def _as_it_was_sent(checkpoint: Checkpoint, arrived: str) -> ValidationResult | None:
    """A refusal when other bytes arrived than its owner, or the web, has hashed."""
    if checkpoint.upload_sha256 in {"", arrived}:
        return None
    return ValidationResult(
        ok=False,
        reason="The file is not the one that was sent: its SHA-256 is another; upload it again.",
    )


def _declared(row: Checkpoint) -> DeclaredModel:
    return DeclaredModel(
        name=row.name,
        architecture=row.architecture,
        class_names=tuple(row.class_names),
        image_size=row.image_size,
        channels=row.channels,
        mean=tuple(row.mean),
        std=tuple(row.std),
        weights=row.weights,
        file_name=row.file_name,
    )


def _accept(checkpoint: Checkpoint, result: ValidationResult, target: Path) -> bool:
    sha256, size = file_sha256(target), target.stat().st_size
    storage.adopt_file(storage.checkpoint_key(checkpoint.pk), target)
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.VALID,
        upload_sha256=checkpoint.upload_sha256,
        architecture=result.architecture,
        width=result.width,
        n_classes=result.n_classes,
        n_parameters=result.n_parameters,
        fingerprint=result.fingerprint,
        reading=told(result.reading),
        sha256=sha256,
        size_bytes=size,
    )


def _reject(checkpoint: Checkpoint, result: ValidationResult) -> bool:
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.REJECTED,
        upload_sha256=checkpoint.upload_sha256,
        reason=result.reason,
        reading=told(result.reading),
    )
