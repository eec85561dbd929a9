"""Parsers of bounded size."""

import io
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import JSONRenderer

from marketplace.core.errors import TooLarge
from marketplace.core.whole_numbers import content_length

# An adaptation has a few thousand values. Empty lists take twenty times the memory of their text.
MAX_VALUES = 100_000


class BoundedJSONParser(BaseParser):
    """Parser for UTF-8 JSON of bounded size. Deep nesting is refused and does not crash.

    Not a subclass of `JSONParser`, because the framework gives those a body that is already read.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer
    too_large = "The request has more than {limit:g} MiB; send less at a time."

    def max_bytes(self) -> int:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Parse the body without reading more of it than the limit."""
        body = self._read(stream, (parser_context or {}).get("request"))
        if sum(body.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
            raise TooLarge(f"The request has more than {MAX_VALUES} values; send less at a time.")
        # A charset chosen by the client could be one that decompresses while decoding.
        context = {**(parser_context or {}), "encoding": "utf-8"}
        try:
            return JSONParser().parse(io.BytesIO(body), media_type, context)
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None

    def _read(self, stream: IO[Any], request: Any) -> bytes:
        limit = self.max_bytes()
        announced = content_length(request) if request is not None else 0
        body: bytes = b"" if announced > limit else stream.read(limit + 1)
        if max(announced, len(body)) > limit:
            raise TooLarge(self.too_large.format(limit=limit / 2**20))
        return body


class PicturesJSONParser(BoundedJSONParser):
    """Parser for bodies that contain images as base64."""

    too_large = "The request has more than {limit:g} MiB; send fewer or smaller pictures."

    def max_bytes(self) -> int:
        return int(settings.MAX_BODY_BYTES)


class ReportJSONParser(BoundedJSONParser):
    """Parser with a small limit, because the caller is not signed in."""

    too_large = "The report has more than 64 KiB; send a hundred tokens at a time."

    def max_bytes(self) -> int:
        return 64 * 2**10
