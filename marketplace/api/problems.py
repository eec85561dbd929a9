import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import UnreadablePostError
from rest_framework.exceptions import APIException, ErrorDetail, NotAuthenticated, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from marketplace.api.permissions import MissingScope
from marketplace.api.throttling import count_refused
from marketplace.core.errors import DomainError, TooLarge

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
_KEPT_HEADERS = ("WWW-Authenticate", "Retry-After", "Allow")


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return an exception's problem document (RFC 9457). A bug's text is logged, but not shown."""
    request = context.get("request")
    error = (count_refused(request) if request is not None else None) or _translate(error)
    if isinstance(error, DomainError):
        set_rollback()
        fields = {name: [text] for name, text in error.fields.items()}
        refusal = problem(error.status, error.title, str(error), fields)
        for name, value in error.headers.items():
            refusal[name] = value
        return refusal
    response = exception_handler(error, context)
    if response is None:
        return _bug(error, context)
    detail, fields = _read(response.data)
    answer = problem(response.status_code, response.status_text, detail, fields)
    for name in _KEPT_HEADERS:
        if name in response.headers:
            answer[name] = response.headers[name]
    if isinstance(error, MissingScope):
        answer.data["scope"] = error.scope
    return answer


def problem(
    status: int, title: str, detail: str, fields: dict[str, list[str]] | None = None
) -> Response:
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
    """Reword the exceptions that Django raises while it reads a body."""
    if isinstance(error, RequestDataTooBig):
        return TooLarge("The form fields are too large; only the file may be large.")
    if isinstance(error, NotAuthenticated):
        text = "Send “Authorization: Bearer TOKEN”; people make tokens in their settings."
        error.detail = ErrorDetail(text, error.default_code)
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
    if isinstance(data, dict) and "detail" in data:
        return str(data["detail"]), {}
    if isinstance(data, dict):
        fields = {str(name): sentences(value) for name, value in data.items()}
        general = fields.pop("non_field_errors", [])
        return " ".join(general) or "Some fields cannot be used; see each of them.", fields
    return " ".join(str(item) for item in data), {}


def sentences(data: Any, where: str = "") -> list[str]:
    """Flatten nested errors: `[{}, {"image": [text]}]` becomes `["Entry 2, image: text"]`."""
    if isinstance(data, dict):
        parts = [(_part(name), value) for name, value in data.items()]
    elif isinstance(data, list) and any(isinstance(item, dict) for item in data):
        parts = [(_part(index), value) for index, value in enumerate(data) if value]
    else:
        texts = data if isinstance(data, list) else [data]
        return [f"{where}: {text}" if where else str(text) for text in texts]
    return [
        sentence
        for part, value in parts
        for sentence in sentences(value, f"{where}, {part}" if where else part)
    ]


def _part(name: object) -> str:
    return f"Entry {name + 1}" if isinstance(name, int) else str(name)
