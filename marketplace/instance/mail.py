"""Outgoing mail, through the operator's server or not at all.

A mail can contain a link that sets a password. Without a server it is dropped rather than printed,
because logs have many readers.
"""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from marketplace.instance.environment import with_password

NOWHERE = "django.core.mail.backends.dummy.EmailBackend"
_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 587, "smtp+ssl": 465}
# For development: prints mails. Must be set explicitly.
_CONSOLE = "consolemail"
# A page waits for the mail server.
_TIMEOUT_S = 10


def mail_settings(url: str, password: str = "") -> dict[str, Any]:
    """Return Django's settings for `smtp+tls://user@host:587`. Without a URL, mail is dropped."""
    if not url:
        return {"EMAIL_BACKEND": NOWHERE}
    scheme = url.partition("://")[0]
    if scheme not in {*_PORTS, _CONSOLE}:
        raise ImproperlyConfigured(
            f"FREEHOLD_EMAIL_URL must begin with {', '.join(f'{name}://' for name in _PORTS)}."
        )
    said: dict[str, Any] = environ.Env.email_url_config(with_password(url, password))
    port = said["EMAIL_PORT"] or _PORTS.get(scheme, 0)
    names = ("EMAIL_BACKEND", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_HOST")
    kept = {name: said[name] or "" for name in names}
    ways = {name: True for name in ("EMAIL_USE_TLS", "EMAIL_USE_SSL") if said.get(name)}
    return {**kept, **ways, "EMAIL_PORT": port, "EMAIL_TIMEOUT": _TIMEOUT_S}
