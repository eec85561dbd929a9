"""Downloads of a learner directory: all of it as a zip, or one file with ETag and Range."""

import mimetypes
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from marketplace import storage
from marketplace.core.file_response import stored_chunks, stored_file_response
from marketplace.learners.models import MetaLearner

_ZIP64_FROM = 2**31


class _Sink:
    """The zip's output: a buffer that is emptied after every chunk."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing, because the buffer is emptied by `take`."""

    def close(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        """Return and remove what was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def learner_zip(learner: MetaLearner) -> Iterator[bytes]:
    """Yield the learner directory as an uncompressed zip, in constant memory."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for entry in learner.files:
            info = zipfile.ZipInfo(entry["path"], learner.created_at.timetuple()[:6])
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=entry["size"] >= _ZIP64_FROM) as member:
                for chunk in stored_chunks(storage.learner_key(learner.pk, entry["path"])):
                    member.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


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
