from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from marketplace.audit.context import set_address
from marketplace.core.addresses import client_address


class OriginMiddleware:
    """Sets the origin of every request, so that services need not pass it on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        set_address(client_address(request) if settings.AUDIT_ADDRESSES else "")
        try:
            return self.get_response(request)
        finally:
            set_address("")
