"""Whole numbers in addresses and headers."""

from django.http import HttpRequest

_MAX_DIGITS = 18
"""As many as fit into 64 bits, whatever they are."""


def whole_number(text: str) -> int | None:
    """The number that 1 to 18 ASCII digits write; None for any other text."""
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return int(text)
    return None


def content_length(request: HttpRequest) -> int:
    """The announced length of a request's body in bytes; 0 without a valid one."""
    return whole_number(str(request.META.get("CONTENT_LENGTH") or "")) or 0
