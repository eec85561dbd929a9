"""Integers in URLs and headers."""

from django.http import HttpRequest

_MAX_DIGITS = 18
"""Any number of this length fits into 64 bits."""


def whole_number(text: str) -> int | None:
    """Parse 1 to 18 ASCII digits. Return None for any other text."""
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    return None


def content_length(request: HttpRequest) -> int:
    """Return the announced length of a request's body in bytes, or 0 if invalid."""
    return whole_number(str(request.META.get("CONTENT_LENGTH") or "")) or 0
