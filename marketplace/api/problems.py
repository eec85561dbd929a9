"""Errors as application/problem+json (RFC 9457)."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import UnreadablePostError
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from marketplace.core.errors import DomainError, TooLarge

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_KEPT_HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """The problem document of an exception; a bug is logged and answered without its text."""
    error = _translate(error)
    if isinstance(error, DomainError):
        set_rollback()
        fields = {name: [text] for name, text in error.fields.items()}
        return problem(error.status, error.title, str(error), fields)
    response = exception_handler(error, context)
    if response is None:
        return _bug(error, context)
    detail, fields = _read(response.data)
    answer = problem(response.status_code, response.status_text, detail, fields)
    for name in _KEPT_HEADERS:
        if name in response.headers:
            answer[name] = response.headers[name]
    return answer


def problem(
    status: int, title: str, detail: str, fields: dict[str, list[str]] | None = None
) -> Response:
    """A problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if fields:
        body["errors"] = fields
    return Response(body, status=status, content_type=MEDIA_TYPE)


def _translate(error: Exception) -> Exception:
    """What Django raises while it reads a body, in words for people."""
    if isinstance(error, RequestDataTooBig):
        return TooLarge("The form fields are too large; only the file may be large.")
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return ParseError("The request could not be read to its end; send it again.")
    return error


def _bug(error: Exception, context: dict[str, Any]) -> Response | None:
    if settings.DEBUG:
        return None
    set_rollback()
    log.error("unexpected error in %s", context.get("view"), exc_info=error)
    return problem(
        APIException.status_code,
        "Something went wrong on our side",
        "The error was written to the log; tell your operator when it happened.",
    )


def _read(data: Any) -> tuple[str, dict[str, list[str]]]:
    """Detail and field errors out of what the framework made."""
    if isinstance(data, dict) and "detail" in data:
        return str(data["detail"]), {}
    if isinstance(data, dict):
        fields = _flatten(data)
        general = fields.pop("non_field_errors", [])
        return " ".join(general) or "Some fields cannot be used; see each of them.", fields
    return " ".join(str(item) for item in data), {}


def _flatten(data: Any, path: str = "") -> dict[str, list[str]]:
    """{"support": {3: {"image": [text]}}} -> {"support.3.image": [text]}."""
    if isinstance(data, dict):
        inner = {str(name): value for name, value in data.items()}
    elif isinstance(data, list) and any(isinstance(item, dict) for item in data):
        inner = {str(index): value for index, value in enumerate(data) if value}
    else:
        return {path: [str(item) for item in (data if isinstance(data, list) else [data])]}
    found: dict[str, list[str]] = {}
    for name, value in inner.items():
        found |= _flatten(value, f"{path}.{name}" if path else name)
    return found
