"""Errors as application/problem+json (RFC 9457)."""

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from marketplace.core.errors import DomainError


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """The problem document of an exception; None for a bug, which Django logs."""
    if isinstance(error, DomainError):
        fields = {name: [text] for name, text in error.fields.items()}
        return _problem(error.status, error.title, str(error), fields)
    response = exception_handler(error, context)
    if response is None:
        return None
    detail, fields = _read(response.data)
    problem = _problem(response.status_code, response.status_text, detail, fields)
    for name in {"WWW-Authenticate", "Retry-After"} & set(response.headers):
        problem[name] = response.headers[name]
    return problem


def _problem(status: int, title: str, detail: str, fields: dict[str, Any]) -> Response:
    body: dict[str, Any] = {"title": title, "status": status, "detail": detail}
    if fields:
        body["errors"] = fields
    return Response(body, status=status, content_type="application/problem+json")


def _read(data: Any) -> tuple[str, dict[str, Any]]:
    """Detail and field errors out of what the framework made."""
    if isinstance(data, dict) and "detail" in data:
        return str(data["detail"]), {}
    if isinstance(data, dict):
        return "Some fields cannot be used; see each of them.", data
    return " ".join(str(item) for item in data), {}
