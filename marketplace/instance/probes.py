"""Health and metrics probes under any host name."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

_PROBES = {"healthz", "readyz", "metrics"}


class ProbeMiddleware:
    """Answers probes before other middleware refuses unknown hosts.

    A pod is probed by its IP address, which is not known beforehand, and the host name is not used
    for links. Without permission, metrics look like any unknown URL.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            match = resolve(request.path_info) if request.path_info.count("/") == 1 else None
            if match is not None and match.view_name in _PROBES:
                request.resolver_match = match
                answer: HttpResponse = match.func(request)
                return answer
        except (Http404, Resolver404):
            request.resolver_match = None
        return self.get_response(request)
