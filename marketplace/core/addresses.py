"""Which address a request came from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

_IPV4 = 4
_HOUSEHOLD_BITS = 64


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
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    # A socket for both families shows IPv4 peers as ::ffff:192.0.2.1, all within one /64.
    return str(getattr(address, "ipv4_mapped", None) or address)


def counted_by(address: str) -> str:
    """Whose attempts count together: an IPv4 address, or the /64 that every IPv6 household has.

    `address` is one of `client_address`, not empty.
    """
    parsed = ipaddress.ip_address(address)
    if parsed.version == _IPV4:
        return address
    return str(ipaddress.IPv6Network((int(parsed), _HOUSEHOLD_BITS), strict=False))
