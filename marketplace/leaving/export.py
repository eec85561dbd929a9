"""A person's data and files as one zip, which is written while it is sent.

Nothing is collected beforehand: rows are read in batches, files in chunks, and the manifest with
the hashes comes last.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.zip_stream import ZipEntry, zip_chunks
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import CLOSED, learners_usable_by
from marketplace.leaving.own_data import (
    account_data,
    audit_data,
    checkpoint_data,
    in_batches,
    jobs_data,
    learner_data,
    pools_data,
    uploads_data,
)
from marketplace.uploads.models import Upload

MANIFEST = "manifest.json"


def export_chunks(user: User) -> Iterator[bytes]:
    """Yield the zip."""
    return zip_chunks(_Export(user).entries())


@dataclass
class _Export:
    user: User
    at: datetime = field(default_factory=timezone.now)
    files: list[dict[str, Any]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)

    def entries(self) -> Iterator[ZipEntry]:
        mine = {"owner": self.user}
        models = Checkpoint.objects.filter(**mine)
        learners = MetaLearner.objects.filter(**mine).select_related("job__pool")
        yield self._entry("account.json", [_json(account_data(self.user))])
        yield self._list("checkpoints.json", map(checkpoint_data, in_batches(models)))
        yield self._list("uploads.json", uploads_data(self.user))
        yield self._list("pools.json", pools_data(self.user))
        yield self._list("jobs.json", jobs_data(self.user))
        rows = (learner_data(row, self.user) for row in in_batches(learners))
        yield self._list("learners.json", rows)
        yield self._list("audit.json", audit_data(self.user))
        for model in in_batches(models):
            yield from self._files_of_model(model)
        for upload in in_batches(Upload.objects.filter(held=True, **mine)):
            key = storage.incoming_key(upload.pk)
            yield from self._stored(f"uploads/{upload.pk}", key, upload.created_at, upload.length)
        for learner in in_batches(learners):
            yield from self._files_of_learner(learner)
        yield self._entry(MANIFEST, self._manifest())

    def _files_of_model(self, row: Checkpoint) -> Iterator[ZipEntry]:
        folder = f"checkpoints/{row.pk}"
        if row.is_quarantined:
            self._leave_out(folder, "The model is in quarantine.")
            return
        if row.was_validated:
            path = f"{folder}/model.safetensors"
            yield from self._stored(path, row.stored_key, row.created_at, row.size_bytes)
        if row.reads_original:
            # What was sent is kept until it is read, and for a day if it may be read again.
            key = storage.incoming_key(row.pk)
            yield from self._stored(f"{folder}/original", key, row.created_at, row.upload_bytes)

    def _files_of_learner(self, row: MetaLearner) -> Iterator[ZipEntry]:
        if not learners_usable_by(self.user).filter(pk=row.pk).exists():
            self._leave_out(f"learners/{row.pk}", CLOSED)
            return
        for entry in row.files:
            key = storage.learner_key(row.pk, entry["path"])
            path = f"learners/{row.pk}/{entry['path']}"
            yield from self._stored(path, key, row.created_at, entry["size"])

    def _stored(self, path: str, key: str, at: datetime, size: int) -> Iterator[ZipEntry]:
        """Yield the stored file, unless it is gone: the person may delete it meanwhile."""
        chunks = storage.stored_chunks(key)
        try:
            first = next(chunks, b"")
        except FileNotFoundError:
            self._leave_out(path, "The file is no longer kept.")
            return
        yield self._entry(path, chain([first], chunks), at=at, size=size)

    def _list(self, path: str, items: Iterable[Any]) -> ZipEntry:
        return self._entry(path, _json_list(items))

    def _entry(
        self,
        path: str,
        chunks: Iterable[bytes],
        *,
        at: datetime | None = None,
        size: int | None = None,
    ) -> ZipEntry:
        return ZipEntry(path, at or self.at, self._noted(path, chunks), size)

    def _noted(self, path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            yield chunk
        self.files.append({"path": path, "size": size, "sha256": digest.hexdigest()})

    def _leave_out(self, path: str, why: str) -> None:
        self.left_out.append({"path": path, "why": why})

    def _manifest(self) -> Iterator[bytes]:
        """Yield the manifest. It is read last, when everything else is written."""
        yield _json(
            {
                "site": settings.SITE_URL,
                "version": settings.VERSION,
                "person": self.user.get_username(),
                "at": self.at,
                "files": self.files,
                "left_out": self.left_out,
            }
        )


def _json(value: Any) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1).encode()


def _json_list(items: Iterable[Any]) -> Iterator[bytes]:
    before = b"["
    for item in items:
        yield before + b"\n" + _json(item)
        before = b","
    yield (b"[" if before == b"[" else b"") + b"\n]\n"
