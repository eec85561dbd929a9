"""Responses with a stored file: ETag, Range, constant memory."""

import re
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags, quote_etag

from marketplace import storage
from marketplace.core.whole_numbers import whole_number

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
# Beyond the size of any file.
_FAR = 2**63


def stored_file_response(
    request: HttpRequest,
    key: str,
    *,
    size: int,
    sha256: str,
    filename: str,
    content_type: str = "application/octet-stream",
    attachment: bool = True,
) -> HttpResponseBase:
    """Return the file, a part of it (206), not modified (304) or range not satisfiable (416)."""
    etag = quote_etag(sha256)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if disposition := content_disposition_header(attachment, filename):
        headers["Content-Disposition"] = disposition
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if etag in known or "*" in known:
        return HttpResponse(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    asked = _asked_range(request, size, etag)
    if asked is None:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    first, last = asked
    partial = (first, last) != (0, size - 1)
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    headers["Content-Length"] = str(last - first + 1)
    return StreamingHttpResponse(
        storage.stored_chunks(key, first=first, n_bytes=last - first + 1),
        status=HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK,
        content_type=content_type,
        headers=headers,
    )


def _asked_range(request: HttpRequest, size: int, etag: str) -> tuple[int, int] | None:
    """Return first and last byte; the whole file without a single valid range; None for 416."""
    whole = (0, size - 1)
    match = _RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or request.headers.get("If-Range", etag) != etag:
        return whole
    first, last = match.groups()
    if first:
        asked = _number(first), min(_number(last) if last else size - 1, size - 1)
    elif last:
        asked = max(0, size - _number(last)), size - 1
    else:
        return whole
    return asked if asked[0] <= asked[1] else None


def _number(digits: str) -> int:
    number = whole_number(digits.lstrip("0") or "0")
    return _FAR if number is None else number
