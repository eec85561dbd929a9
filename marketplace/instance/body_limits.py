"""Limits on the size of forms, checked before any of the body is read.

Django has a single limit for all users and pages, and a form of `%41%41…` takes eighty times its
length to parse. Files are not affected: they come as multipart and are streamed.
"""

import codecs
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from marketplace.core.errors import DomainError, TooLarge
from marketplace.core.whole_numbers import content_length

FORM = "application/x-www-form-urlencoded"
# The longest form describes a model, in 20,000 characters of up to twelve bytes.
MAX_FORM_BYTES = 512 * 2**10
# Anonymous users only send a name and a password.
MAX_FORM_BYTES_OF_STRANGERS = 32 * 2**10
_PLAIN = {"utf-8", "ascii"}


class UnknownCharset(DomainError):
    """The text is not UTF-8."""

    status = 415
    title = "Unknown kind of text"


class BodyLimitMiddleware:
    """Refuses long forms and text that is not UTF-8: some encodings decompress their input."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        error = _what_is_wrong(request)
        return self.get_response(request) if error is None else _refuse(request, error)


def _what_is_wrong(request: HttpRequest) -> DomainError | None:
    if request.encoding and codecs.lookup(request.encoding).name not in _PLAIN:
        return UnknownCharset("Send text as UTF-8.")
    length = content_length(request)
    if request.content_type != FORM or length <= MAX_FORM_BYTES_OF_STRANGERS:
        return None
    limit = MAX_FORM_BYTES if request.user.is_authenticated else MAX_FORM_BYTES_OF_STRANGERS
    return TooLarge(f"A form may have at most {limit // 2**10} KiB.") if length > limit else None


def _refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    if request.path.startswith("/api/"):
        said = {"type": "about:blank", "title": error.title, "status": error.status}
        return JsonResponse(
            {**said, "detail": str(error)},
            status=error.status,
            content_type="application/problem+json",
        )
    context = {"title": error.title, "message": str(error)}
    return render(request, "core/error.html", context, status=error.status)
