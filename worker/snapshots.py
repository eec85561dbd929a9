"""The saved state of an unfinished run: encrypted, one file per job, attempt and step.

A snapshot contains the task memory, and thus recovered images, so it is never written in clear. It
is sealed with the instance's secret and a secret of the job, which is deleted when the job has
finally ended (docs/decisions/0002-sealed-snapshots.md).
"""

import json
import logging
import struct
from datetime import timedelta
from typing import Any, Protocol

import safetensors.torch
import torch
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from safetensors import SafetensorError

from marketplace import storage
from marketplace.core.secrets import Undecryptable, seal, unseal
from marketplace.jobs.consent import jobs_without_consent
from marketplace.jobs.models import Job
from marketplace.jobs.moves import LeaseLost
from marketplace.jobs.states import FINAL, LEASED, JobState

log = logging.getLogger(__name__)

KEEP = 2
_JOBS_PER_TICK = 20
_LENGTH = struct.Struct("<Q")


class Snapshots(Protocol):
    """Storage for a job's state. Tests may replace it."""

    def save(self, job: Job, step: int, state: dict[str, Any]) -> None:
        """Save the state after this step."""

    def load(self, job: Job) -> dict[str, Any] | None:
        """Return the newest readable state, or None."""

    def discard(self, job: Job) -> None:
        """Delete every state of the job so far; it may save others later."""

    def delete(self, job: Job) -> None:
        """Delete every state of the job for good."""


class StoredSnapshots:
    """Snapshots in the instance's storage."""

    def save(self, job: Job, step: int, state: dict[str, Any]) -> None:
        """Save the state, then remove all but the newest few.

        Raise LeaseLost if another worker holds the job.
        """
        sealed = seal(encode_state(state), secret=_secret(job), purpose=_purpose(job))
        prefix = storage.snapshot_prefix(job.pk)
        name = f"{job.attempt:06d}-{step:09d}.snapshot"
        storage.put_stream(f"{prefix}/{name}", ContentFile(sealed))
        if not Job.objects.filter(pk=job.pk, attempt=job.attempt, state__in=LEASED).exists():
            # The job changed hands during the write, and may have finally ended.
            storage.remove(f"{prefix}/{name}")
            raise LeaseLost(f"job {job.pk} attempt {job.attempt}")
        for old in storage.names_in(prefix)[:-KEEP]:
            storage.remove(f"{prefix}/{old}")

    def load(self, job: Job) -> dict[str, Any] | None:
        """Return the newest readable state, or None. Unreadable ones are logged and skipped."""
        prefix = storage.snapshot_prefix(job.pk)
        for name in reversed(storage.names_in(prefix)):
            try:
                with default_storage.open(f"{prefix}/{name}") as file:
                    sealed = file.read()
                return decode_state(unseal(sealed, secret=_secret(job), purpose=_purpose(job)))
            except (FileNotFoundError, Undecryptable, SafetensorError, ValueError):
                log.exception("snapshot %s of job %s cannot be read", name, job.pk)
        return None

    def discard(self, job: Job) -> None:
        prefix = storage.snapshot_prefix(job.pk)
        for name in storage.names_in(prefix):
            storage.remove(f"{prefix}/{name}")

    def delete(self, job: Job) -> None:
        """Delete the files, and the secret without which no copy of them can be decrypted."""
        self.discard(job)
        Job.objects.filter(pk=job.pk).update(snapshot_secret="")


def delete_finished() -> None:
    """Delete the snapshots of succeeded jobs whose worker died before doing so."""
    finished = Job.objects.filter(state=JobState.SUCCEEDED).exclude(snapshot_secret="")
    for job in finished[:_JOBS_PER_TICK]:
        StoredSnapshots().delete(job)


def delete_abandoned() -> None:
    """Delete the snapshots of jobs that failed or were cancelled over SNAPSHOT_DAYS ago."""
    if not settings.SNAPSHOT_DAYS:
        return
    expired = Job.objects.filter(
        state__in=[JobState.FAILED, JobState.CANCELLED],
        finished_at__lt=timezone.now() - timedelta(days=settings.SNAPSHOT_DAYS),
    ).exclude(snapshot_secret="")
    for pk in list(expired.values_list("pk", flat=True)[:_JOBS_PER_TICK]):
        with transaction.atomic():
            # Unless its owner resumes it at this moment.
            if job := expired.select_for_update().filter(pk=pk).first():
                StoredSnapshots().delete(job)


def delete_withdrawn() -> None:
    """Delete the snapshots of ended jobs on a pool whose consent to recovery was withdrawn.

    They hold images recovered from the model. Its owner's word counts at once, so nothing is kept
    for a resume.
    """
    ended = jobs_without_consent().filter(state__in=FINAL).exclude(snapshot_secret="")
    for pk in list(ended.values_list("pk", flat=True)[:_JOBS_PER_TICK]):
        with transaction.atomic():
            if job := ended.select_for_update().filter(pk=pk).first():
                StoredSnapshots().delete(job)


def _secret(job: Job) -> str:
    return settings.SECRET_KEY + job.snapshot_secret


def _purpose(job: Job) -> str:
    return f"snapshot:{job.pk}"


def encode_state(state: dict[str, Any]) -> bytes:
    """Encode nested dicts, lists and tuples of tensors and plain values.

    Tensors become one safetensors block, everything else JSON that refers to them by number.
    """
    tensors: dict[str, torch.Tensor] = {}
    skeleton = json.dumps(_flatten(state, tensors)).encode()
    block = safetensors.torch.save(tensors)
    return _LENGTH.pack(len(skeleton)) + skeleton + block


def decode_state(data: bytes) -> dict[str, Any]:
    """Decode the result of `encode_state`. Raise ValueError or SafetensorError otherwise."""
    (length,) = _LENGTH.unpack_from(data)
    end = _LENGTH.size + length
    skeleton = json.loads(data[_LENGTH.size : end])
    state: dict[str, Any] = _unflatten(skeleton, safetensors.torch.load(data[end:]))
    return state


def _flatten(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        # safetensors rejects tensors that share memory, so each is copied.
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        # The memory format determines which kernels sum the numbers, and thus the last bits.
        return {"channels_last" if _is_channels_last(value) else "tensor": name}
    if isinstance(value, dict):
        # As pairs, because an optimiser's state has integer keys.
        pairs = [[key, _flatten(item, tensors)] for key, item in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_flatten(item, tensors) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be part of a snapshot")


def _is_channels_last(value: torch.Tensor) -> bool:
    return (
        value.dim() == 4
        and value.is_contiguous(memory_format=torch.channels_last)
        and not value.is_contiguous()
    )


def _unflatten(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "channels_last":
        return tensors[content].contiguous(memory_format=torch.channels_last)
    if kind == "dict":
        return {key: _unflatten(item, tensors) for key, item in content}
    items = [_unflatten(item, tensors) for item in content]
    return items if kind == "list" else tuple(items)
