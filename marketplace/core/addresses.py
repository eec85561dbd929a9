import ipaddress

from django.conf import settings
from django.http import HttpRequest

_IPV4 = 4
_HOUSEHOLD_BITS = 64


def client_address(request: HttpRequest) -> str:
    """Return the client's address, as seen by the operator's proxy if there is one; else empty.

    A proxy appends to X-Forwarded-For. Only the last entry comes from the proxy; the others are
    from the client.
    """
    text = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_PROXY:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        text = forwarded or text
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    # A dual-stack socket shows IPv4 peers as ::ffff:192.0.2.1, all within one /64.
    return str(getattr(address, "ipv4_mapped", None) or address)


def counted_by(address: str) -> str:
    """Return the key for counting attempts: the IPv4 address, or an IPv6 household's /64."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == _IPV4:
        return address
    return str(ipaddress.IPv6Network((int(parsed), _HOUSEHOLD_BITS), strict=False))
