"""Which address a request came from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The peer's address; behind the operator's proxy what that proxy saw. Empty when unknown.

    A proxy appends to X-Forwarded-For, so only the last entry is the proxy's own word; all before
    it is whatever the client sent.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        text = forwarded or text
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
