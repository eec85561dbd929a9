from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from marketplace.core.errors import DomainError

_PAGES = ("text/html", "application/json", "application/problem+json")


class PrivatePagesMiddleware:
    """Keeps pages and answers for a signed-in user out of every cache, the browser's included.

    The next user of a shared computer cannot leaf back to them. Files keep their own rules, and so
    does a view that sets `Cache-Control`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        signed_in = request.user.is_authenticated or "Authorization" in request.headers
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if signed_in and kind in _PAGES:
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class DomainErrorMiddleware:
    """Renders a DomainError that no form caught as a page with its message and status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DomainError):
            return None
        context = {"title": error.title, "message": str(error), "fields": error.fields}
        page = render(request, "core/error.html", context, status=error.status)
        for name, value in error.headers.items():
            page[name] = value
        return page
