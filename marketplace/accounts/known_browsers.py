"""Browsers in which a user has signed in before.

Wrong passwords lock a name. Anyone can enter wrong passwords for a name, so a known browser has a
count of its own: a stranger elsewhere cannot lock its user out. A new password forgets all of them.
"""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from marketplace.accounts.models import User

COOKIE = "known_browser"
_SALT = "marketplace.accounts.known_browsers"
_MAX_AGE_S = 180 * 24 * 3600


def remember_browser(response: HttpResponse, user: User) -> None:
    """Set the signed cookie by which the browser is known from now on."""
    value = [str(user.pk), _epoch(user), secrets.token_urlsafe(12)]
    response.set_cookie(
        COOKIE,
        signing.dumps(value, salt=_SALT),
        max_age=_MAX_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def known_browser(request: HttpRequest, username: str) -> str:
    """Return the browser's id if this user has signed in here, or an empty string."""
    try:
        pk, epoch, browser = signing.loads(
            request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_MAX_AGE_S
        )
    except (signing.BadSignature, ValueError):
        return ""
    user = User.objects.filter(username__iexact=username, is_active=True).first()
    if user is None or (pk, epoch) != (str(user.pk), _epoch(user)):
        return ""
    return str(browser)


def _epoch(user: User) -> str:
    """Return what changes with the password, and tells nothing about it."""
    return user.get_session_auth_hash()[:16]
