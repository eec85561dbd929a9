"""Downloads of a learner directory: all of it as a zip, or one file with ETag and Range."""

import mimetypes
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from marketplace import storage
from marketplace.core.file_response import stored_file_response
from marketplace.core.zip_stream import ZipEntry, zip_chunks
from marketplace.learners.models import MetaLearner


def learner_zip(learner: MetaLearner) -> Iterator[bytes]:
    """Yield the learner directory as an uncompressed zip, in constant memory."""
    return zip_chunks(
        ZipEntry(
            path=entry["path"],
            at=learner.created_at,
            chunks=storage.stored_chunks(storage.learner_key(learner.pk, entry["path"])),
            size=entry["size"],
        )
        for entry in learner.files
    )


def zip_response(learner: MetaLearner) -> StreamingHttpResponse:
    name = f"{slugify(learner.name) or learner.pk}.zip"
    headers = {"Content-Disposition": content_disposition_header(True, name) or "attachment"}
    return StreamingHttpResponse(
        learner_zip(learner), content_type="application/zip", headers=headers
    )


def file_response(
    request: HttpRequest, learner: MetaLearner, entry: Mapping[str, Any]
) -> HttpResponseBase:
    """Return a file of the learner directory. `entry` is its entry in `learner.files`."""
    path = str(entry["path"])
    return stored_file_response(
        request,
        storage.learner_key(learner.pk, path),
        size=int(entry["size"]),
        sha256=str(entry["sha256"]),
        filename=path.rpartition("/")[2],
        content_type=mimetypes.guess_type(path)[0] or "application/octet-stream",
    )
