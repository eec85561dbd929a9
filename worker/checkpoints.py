"""Validates one upload: claim, read in a child process, keep our own file, say so in the row."""

import logging
import tempfile
from pathlib import Path

from django.conf import settings

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_claim, checkpoint_finish
from marketplace.checkpoints.states import CheckpointState
from worker.publishing import file_sha256
from worker.validation import DeclaredModel, ValidationResult, validate_file

log = logging.getLogger(__name__)


def validate_checkpoint(checkpoint_id: str) -> None:
    """A second delivery of the same message does nothing."""
    checkpoint = checkpoint_claim(checkpoint_id=checkpoint_id)
    if checkpoint is None:
        return
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
        storage.remove(incoming)
    elif Checkpoint.objects.filter(pk=checkpoint.pk).exists():
        log.warning("checkpoint %s was given to another worker meanwhile", checkpoint_id)
    else:
        # Its owner has deleted it: what was read and written since must not outlive that.
        storage.remove(incoming)
        storage.remove(storage.checkpoint_key(checkpoint.pk))


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
        sha256=sha256,
        size_bytes=size,
    )


def _reject(checkpoint: Checkpoint, result: ValidationResult) -> bool:
    return checkpoint_finish(
        checkpoint=checkpoint,
        to=CheckpointState.REJECTED,
        upload_sha256=checkpoint.upload_sha256,
        reason=result.reason,
    )
