"""Periodic work on uploads in pieces: finish complete ones and delete abandoned ones."""

import io
import logging
import secrets

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from marketplace.core.errors import DomainError
from marketplace.uploads.models import Upload
from marketplace.uploads.services import LEASE, discard_bytes, upload_append

log = logging.getLogger(__name__)


def uploads_tick() -> None:
    """Finish uploads that were interrupted at the very end, and delete abandoned ones."""
    now = timezone.now()
    idle = Upload.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    for upload in idle.filter(expires_at__lt=now)[:100]:
        # Checked again atomically, because a piece may have arrived meanwhile.
        _forget_abandoned(upload, idle.filter(pk=upload.pk, expires_at__lt=now))
    for upload in idle.filter(finished_at=None, expires_at__gte=now, offset=F("length"))[:100]:
        _finish_late(upload)


def _forget_abandoned(upload: Upload, abandoned: "QuerySet[Upload]") -> None:
    """Delete the bytes first, because only the row knows their name in an object store."""
    lease = secrets.token_hex(16)
    if not abandoned.update(lease=lease, lease_until=timezone.now() + LEASE):
        return
    upload.refresh_from_db(fields=["finished_at", "held"])
    try:
        discard_bytes(upload)
    except OSError:
        log.exception("the bytes of upload %s could not be discarded yet", upload.pk)
    else:
        Upload.objects.filter(pk=upload.pk, lease=lease).delete()


def _finish_late(upload: Upload) -> None:
    try:
        upload_append(upload=upload, offset=upload.offset, stream=io.BytesIO())
    except DomainError:
        log.exception("upload %s is whole but could not be finished", upload.pk)
