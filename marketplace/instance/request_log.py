"""One log line and one count per request: view, status and duration."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from marketplace.core.metrics import REQUEST_SECONDS, REQUESTS
from marketplace.instance.request_id import choose_request_id, forget_request_id

log = logging.getLogger("freehold.requests")

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class RequestLogMiddleware:
    """The outermost middleware, so that it also sees requests that others refuse.

    Neither the path nor user input is logged. The view's name is enough, and clients cannot add
    names of their own to the metrics.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        request_id = choose_request_id(request.headers.get("X-Request-ID", ""))
        try:
            response = self.get_response(request)
            _note(request, response, time.perf_counter() - began)
        finally:
            forget_request_id()
        response["X-Request-ID"] = request_id
        return response


def _note(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    match = request.resolver_match
    view = match.view_name if match and match.view_name else "unknown"
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(view, method, response.status_code).inc()
    REQUEST_SECONDS.labels(view).observe(seconds)
    log.info(
        "%s %s %s",
        method,
        view,
        response.status_code,
        extra={
            "method": method,
            "view": view,
            "status": response.status_code,
            "duration_ms": round(1000 * seconds, 1),
        },
    )
