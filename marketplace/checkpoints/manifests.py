"""Several models in one request. All entries are checked first; then all become rows, or none.

The file of an entry is either a held upload in pieces, or part of the request.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.drafts import CheckpointDraft, draft_check
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_arrived
from marketplace.core.errors import Conflict, DomainError, InsufficientStorage
from marketplace.core.idempotency import request_digest, rows_made_before
from marketplace.uploads.models import Upload
from marketplace.uploads.quota import disk_full, storage_left
from marketplace.uploads.received import MAX_FILES, hash_and_size, safe_file_name, store_received
from marketplace.uploads.selectors import uploads_of

MAX_MODELS = MAX_FILES


@dataclass(frozen=True)
class ManifestEntry:
    """The description of one model, and its file: in a held upload or in the request."""

    name: str
    draft: CheckpointDraft | None
    """None if its shape is invalid."""
    wrong: Mapping[str, str] = field(default_factory=dict)
    """Errors by field, if the entry cannot be read."""
    upload: UUID | None = None
    file: "File[bytes] | None" = None
    file_name: str = ""


class ManifestRefused(DomainError):
    """Some entries cannot be accepted, so none is. `fields` has an error for each of them."""

    def __init__(
        self,
        entries: Sequence[ManifestEntry],
        wrong: Mapping[int, Mapping[str, str]],
    ) -> None:
        super().__init__(
            f"{len(wrong)} of {len(entries)} entries cannot be accepted, so none is; "
            "correct them and send all again.",
            fields={
                f"models[{index}]": _told(index, entries[index].name, wrong[index])
                for index in sorted(wrong)
            },
        )


def _told(index: int, name: str, wrong: Mapping[str, str]) -> str:
    shown = "".join(letter for letter in name[:120] if letter.isprintable())
    said = "; ".join(f"{name}: {sentence.rstrip('.')}" for name, sentence in wrong.items())
    return f"Entry {index + 1} (“{shown}”), {said}."


def checkpoints_from_manifest(
    *, owner: User, entries: Sequence[ManifestEntry], idempotency_key: str = ""
) -> list[Checkpoint]:
    """Create the models, in the order of their entries. Raise ManifestRefused if any is invalid.

    The same key with the same manifest and bytes returns the same models.
    """
    fields = _checked(owner, entries)
    key = _key(idempotency_key)
    digest = request_digest([[said, _source(e)] for said, e in zip(fields, entries, strict=True)])
    rows = [_row(owner, entry, said) for entry, said in zip(entries, fields, strict=True)]
    for index, row in enumerate(rows if key else ()):
        row.idempotency_key, row.request_digest = f"{key}{index}", digest
    try:
        _store(rows, entries)
        with transaction.atomic():
            User.objects.select_for_update().get(
                pk=owner.pk
            )  # one request at a time reserves space
            if earlier := _earlier(owner, key, digest):
                _remove(rows, entries)
                return earlier
            _check_files(owner, entries)
            _arrive(owner, rows, entries)
    except OSError as error:
        _remove(rows, entries)
        raise disk_full() from error
    except BaseException:
        _remove(rows, entries)
        raise
    return rows


def _checked(owner: User, entries: Sequence[ManifestEntry]) -> list[dict[str, Any]]:
    """Return the rows' fields. All errors of all entries are reported together."""
    wrong: dict[int, dict[str, str]] = {}
    fields: list[dict[str, Any]] = []
    uses = Counter(entry.upload or id(entry.file) for entry in entries)
    for index, entry in enumerate(entries):
        problems = dict(entry.wrong)
        if entry.draft:
            try:
                fields.append(draft_check(owner=owner, draft=entry.draft))
            except DomainError as error:
                problems |= error.fields
            if uses[entry.upload or id(entry.file)] > 1:
                problems["file"] = "Another entry names the same file; each model needs its own."
        if problems:
            wrong[index] = problems
    if wrong:
        raise ManifestRefused(entries, wrong)
    return fields


def _check_files(owner: User, entries: Sequence[ManifestEntry]) -> None:
    known = {row.pk: row for row in uploads_of(owner).filter(pk__in=_held(entries))}
    wrong: dict[int, dict[str, str]] = {}
    for index, entry in enumerate(entries):
        if entry.file is not None and not entry.file.size:
            wrong[index] = {"part": "The file is empty; choose another one."}
        elif entry.upload and (why := _why_not(known.get(entry.upload))):
            wrong[index] = {"upload": why}
    if wrong:
        raise ManifestRefused(entries, wrong)
    _check_room(owner, entries)


def _why_not(upload: Upload | None) -> str:
    """Return the problem with an upload, or an empty string if it is held and complete."""
    if upload is None:
        return "You have no such upload."
    if not upload.held:
        return "It was not created with “held”, so it becomes a model by itself."
    if upload.finished_at is None:
        return f"Only {upload.offset:,} of its {upload.length:,} bytes have arrived; send the rest."
    return ""


def _check_room(owner: User, entries: Sequence[ManifestEntry]) -> None:
    """Check the space for the request's files. Held uploads have already reserved theirs."""
    wanted = sum(entry.file.size for entry in entries if entry.file)
    if wanted > storage_left(owner):
        raise InsufficientStorage(
            f"The files total {wanted / 2**20:.1f} MiB, more than your remaining storage; "
            "delete a model, then send the manifest again."
        )


def _row(owner: User, entry: ManifestEntry, fields: Mapping[str, Any]) -> Checkpoint:
    row = Checkpoint(owner=owner, file_name=safe_file_name(entry.file_name), **fields)
    if entry.upload:
        row.pk = entry.upload
    return row


def _store(rows: Sequence[Checkpoint], entries: Sequence[ManifestEntry]) -> None:
    for row, entry in zip(rows, entries, strict=True):
        if entry.file is not None:
            key = storage.incoming_key(row.pk)
            row.upload_sha256, row.upload_bytes = hash_and_size(entry.file)
            store_received(key, entry.file)


def _arrive(owner: User, rows: Sequence[Checkpoint], entries: Sequence[ManifestEntry]) -> None:
    now = timezone.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    held = uploads_of(owner).filter(free, pk__in=_held(entries), held=True)
    uploads = {upload.pk: upload for upload in held.select_for_update(of=("self",))}
    for row, entry in zip(rows, entries, strict=True):
        if entry.upload:
            _take_over(row, uploads.get(entry.upload))
        checkpoint_arrived(checkpoint=row)


def _take_over(row: Checkpoint, upload: Upload | None) -> None:
    if upload is None:
        raise Conflict("One of the uploads was cancelled or used meanwhile; send the rest again.")
    row.upload_sha256, row.upload_bytes = upload.sha256, upload.length
    row.file_name = row.file_name or upload.fields.get("file_name", "")
    upload.held = False
    upload.save(update_fields=["held"])


def _remove(rows: Sequence[Checkpoint], entries: Sequence[ManifestEntry]) -> None:
    """Remove the request's files. Held uploads stay for the next attempt."""
    for row, entry in zip(rows, entries, strict=True):
        if entry.file is not None:
            storage.remove(storage.incoming_key(row.pk))


def _held(entries: Sequence[ManifestEntry]) -> list[UUID]:
    return [entry.upload for entry in entries if entry.upload]


def _source(entry: ManifestEntry) -> str:
    return str(entry.upload) if entry.file is None else hash_and_size(entry.file)[0]


def _key(said: str) -> str:
    """Return the prefix for the entries' keys. It never equals the key of a single upload."""
    return f"manifest:{hashlib.sha256(said.encode()).hexdigest()}:" if said else ""


def _earlier(owner: User, key: str, digest: str) -> list[Checkpoint]:
    if not key:
        return []
    same_key = Checkpoint.objects.filter(owner=owner, idempotency_key__startswith=key)
    rows = rows_made_before(same_key, digest)
    return sorted(rows, key=lambda row: int(row.idempotency_key.rpartition(":")[2]))
