"""Addresses of Redis. Over TLS its certificate is checked: kombu alone would accept any."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

_SCHEME = "rediss"


def verified(url: str, authority: str) -> str:
    """Return the URL; one with TLS asks for a certificate that the authority's file vouches for.

    Without a file the system's authorities count. What the URL itself says of either stays.
    """
    parts = urlsplit(url)
    if parts.scheme != _SCHEME:
        return url
    if authority and not Path(authority).is_file():
        raise ImproperlyConfigured(
            f"FREEHOLD_REDIS_CA names {authority}, which is no file; mount the certificate of "
            "Redis's authority there, or unset FREEHOLD_REDIS_CA."
        )
    wanted = {"ssl_cert_reqs": "required", **({"ssl_ca_certs": authority} if authority else {})}
    query = urlencode({**wanted, **dict(parse_qsl(parts.query))})
    return urlunsplit(parts._replace(query=query))
