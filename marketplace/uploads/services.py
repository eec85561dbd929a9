"""Uploads in pieces (tus 1.0.0): begin, append over many requests, finish or delete.

The row is authoritative: bytes count once they are on disk and in the row. A connection that
appends holds a lease, so that a second one waits. A silent connection loses its lease.
"""

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import Team, User
from marketplace.core.errors import Conflict, DomainError
from marketplace.storage import growing_file
from marketplace.storage.errors import BytesLost
from marketplace.uploads.in_background import InBackground
from marketplace.uploads.models import Upload
from marketplace.uploads.quota import check_room, disk_full
from marketplace.uploads.received import safe_file_name
from marketplace.uploads.signals import upload_finished
from marketplace.uploads.streams import Stream, pieces

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=20)
LIFE = timedelta(hours=24)
MAX_UNFINISHED_PER_PERSON = 20
FLUSH_BYTES = 64 * 2**20
FLUSH_S = 5.0
HASHES: dict[str, Callable[[], Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Locked(DomainError):
    """Another connection is appending to the same upload."""

    status = 423
    title = "Another upload of this file is in progress"


class ChecksumMismatch(DomainError):
    """A piece differs from the one that was sent."""

    status = 460
    title = "Checksum mismatch"


def upload_begin(
    *,
    owner: User,
    length: int,
    fields: Mapping[str, Any] = MappingProxyType({}),
    file_name: str = "",
    sha256: str = "",
    metadata: str = "",
    held: bool = False,
) -> Upload:
    """Reserve space for a file before its first byte. Everything that can be checked now is
    checked.

    `fields` is its owner's validated description: JSON, except for the `team`. A complete `held`
    file waits for a manifest. Any other becomes a model at once.
    """
    told = dict(fields)
    team: Team | None = told.pop("team", None)
    if length <= 0:
        raise DomainError("The file is empty; choose another one.", fields={"file": "Empty file."})
    if sha256 and not _SHA256.fullmatch(sha256):
        message = "Give 64 lower-case hexadecimal digits, or leave it out."
        raise DomainError(message, fields={"sha256": message})
    with transaction.atomic():
        User.objects.select_for_update().get(pk=owner.pk)  # one request at a time takes space
        check_room(owner, length)
        _check_unfinished(owner)
        return Upload.objects.create(
            owner=owner,
            fields={**told, "file_name": safe_file_name(file_name)},
            team=team,
            length=length,
            sha256=sha256,
            metadata=metadata,
            held=held,
            expires_at=timezone.now() + LIFE,
        )


def _check_unfinished(owner: User) -> None:
    unfinished = Upload.objects.filter(owner=owner, finished_at=None)
    if unfinished.count() >= MAX_UNFINISHED_PER_PERSON:
        raise Conflict(
            f"You have {MAX_UNFINISHED_PER_PERSON} unfinished uploads; finish or delete one first."
        )


def upload_append(
    *, upload: Upload, offset: int, stream: Stream, checksum: tuple[str, bytes] | None = None
) -> Upload:
    """Append the stream's bytes, as far as it comes, and finish a complete file.

    Bytes that have arrived are kept if the connection breaks, unless the piece has a checksum.
    """
    lease = _claim(upload, offset)
    try:
        if upload.offset < upload.length:
            _receive(upload, lease, stream, checksum)
        if upload.offset == upload.length:
            _finish(upload)
    except BytesLost as error:
        raise Conflict("The bytes of this upload are lost; delete it and start again.") from error
    except OSError as error:
        # For a deleted upload, an object store raises the same error as for a full disk.
        if not Upload.objects.filter(pk=upload.pk).exists():
            raise _given_up() from error
        raise disk_full() from error
    finally:
        Upload.objects.filter(pk=upload.pk, lease=lease).update(lease="", lease_until=None)
    return upload


def upload_delete(*, upload: Upload) -> None:
    """Delete an unfinished upload and its bytes. If the store fails, the clock tries again."""
    unfinished = Upload.objects.filter(Q(finished_at=None) | Q(held=True), pk=upload.pk)
    now = timezone.now()
    # A connection that is appending then finds that it has lost the lease.
    taken = unfinished.update(lease=secrets.token_hex(16), lease_until=now + LEASE, expires_at=now)
    if taken:
        upload.refresh_from_db(fields=["multipart", "finished_at", "held"])
        try:
            discard_bytes(upload)
        except OSError:
            log.exception("the bytes of upload %s could not be discarded yet", upload.pk)
            return
        unfinished.delete()
    if Upload.objects.filter(pk=upload.pk).exists():
        raise Conflict("This upload is complete; delete the resulting model instead.")


def discard_bytes(upload: Upload) -> None:
    """Delete the bytes, unless a model has them."""
    if not upload.finished_at:
        growing_file.discard(upload.pk, upload.multipart)
    elif upload.held:
        storage.remove(storage.incoming_key(upload.pk))


def _claim(upload: Upload, offset: int) -> str:
    """Take a lease on an upload with this offset. Raise Conflict or Locked otherwise."""
    now, lease = timezone.now(), secrets.token_hex(16)
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    mine = Upload.objects.filter(free, pk=upload.pk, offset=offset, finished_at=None)
    taken = mine.update(lease=lease, lease_until=now + LEASE)
    try:
        upload.refresh_from_db()
    except Upload.DoesNotExist as error:
        raise _given_up() from error
    if taken:
        return lease
    if upload.finished_at:
        raise Conflict("This upload is complete; nothing can be appended.")
    if upload.offset != offset:
        raise Conflict(
            f"The upload is at byte {upload.offset}, not {offset}; ask with HEAD and continue "
            "from there."
        )
    raise Locked(
        f"Another connection is sending this upload; try again in {LEASE.seconds} seconds, when "
        "it has ended or gone silent."
    )


def _receive(
    upload: Upload, lease: str, stream: Stream, checksum: tuple[str, bytes] | None
) -> None:
    if not upload.multipart and (name := growing_file.begin(upload.pk)):
        if not Upload.objects.filter(pk=upload.pk, lease=lease).update(multipart=name):
            growing_file.discard(upload.pk, name)
            raise Locked("Another connection has taken this upload over.")
        upload.multipart = name
    file = growing_file.open_at(
        upload.pk, upload.multipart, offset=upload.offset, length=upload.length
    )
    try:
        _Appending(upload, lease, file, checksum).run(stream)
    finally:
        file.close()


class _Appending:
    """Writes one request's bytes to the file. At most two pieces are in memory."""

    def __init__(
        self,
        upload: Upload,
        lease: str,
        file: growing_file.GrowingFile,
        checksum: tuple[str, bytes] | None,
    ) -> None:
        self._upload, self._lease, self._file = upload, lease, file
        self._expected = checksum[1] if checksum else None
        self._hash = HASHES[checksum[0]]() if checksum else None
        self._at = self._flushed = upload.offset
        self._renewed = time.monotonic()
        self._writing = InBackground(self._write)

    def run(self, stream: Stream) -> None:
        """Append until the stream or the file ends."""
        try:
            for data in pieces(stream, self._upload.length - self._at):
                self._check_lease()
                self._writing.put(data)
                self._at += len(data)
                if self._at - self._flushed >= FLUSH_BYTES or self._silent_s() >= FLUSH_S:
                    self._writing.wait()
                    self._keep(whole=False)
        finally:
            self._writing.finish()
        self._check_sum()
        self._keep(whole=True)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        if self._hash:
            self._hash.update(data)

    def _silent_s(self) -> float:
        return time.monotonic() - self._renewed

    def _check_lease(self) -> None:
        """Renew the lease after a long silence, before the file is touched again."""
        if self._silent_s() > LEASE.total_seconds() / 2:
            self._renew({})

    def _check_sum(self) -> None:
        if self._hash and self._hash.digest() != self._expected:
            raise ChecksumMismatch("This piece did not arrive as it was sent; send it again.")

    def _keep(self, *, whole: bool) -> None:
        """Count the bytes on disk. A piece with a checksum counts only when it is complete."""
        if self._hash and not whole:
            self._renew({})
            return
        self._file.sync()
        self._renew({"offset": self._at, "expires_at": timezone.now() + LIFE})
        self._upload.offset = self._flushed = self._at

    def _renew(self, changes: dict[str, Any]) -> None:
        mine = Upload.objects.filter(pk=self._upload.pk, lease=self._lease)
        if not mine.update(lease_until=timezone.now() + LEASE, **changes):
            raise Locked("Another connection has taken this upload over.")
        self._renewed = time.monotonic()


def _finish(upload: Upload) -> None:
    """Store the complete file and announce it, unless it is held. Idempotent."""
    growing_file.finish(upload.pk, upload.multipart, length=upload.length)
    with transaction.atomic():
        row = Upload.objects.select_for_update().filter(pk=upload.pk).first()
        if row is not None and row.finished_at is None:
            row.finished_at = timezone.now()
            row.save(update_fields=["finished_at"])
            if not row.held:
                upload_finished.send(sender=Upload, upload=row)
    if row is None:
        # Its owner deleted it while its last bytes were stored.
        storage.remove(storage.incoming_key(upload.pk))
        raise _given_up()
    upload.refresh_from_db()


def _given_up() -> Conflict:
    return Conflict("This upload was cancelled; start again.")
