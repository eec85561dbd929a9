"""Sessions whose cookies cannot be read from the database.

The browser has a random key; the database has the key's hash, which is what `session.session_key`
means everywhere else, django-allauth's list of sessions included.
"""

import hashlib

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

_LENGTH = 40
"""Characters that Django's table has room for: 160 bits."""


def stored_key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()[:_LENGTH]


class SessionStore(DatabaseStore):
    """A session in the database under the hash of its cookie."""

    cookie: str | None = None

    def _get_new_session_key(self) -> str:
        self.cookie = str(super()._get_new_session_key())  # type: ignore[misc]
        return stored_key(self.cookie)


class HashedSessionMiddleware(SessionMiddleware):
    """Finds the session by the hash of its cookie, and sends the cookie in place of the hash."""

    def process_request(self, request: HttpRequest) -> None:
        cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        session = SessionStore(stored_key(cookie) if cookie else None)
        session.cookie = cookie
        request.session = session

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = super().process_response(request, response)
        sent = response.cookies.get(settings.SESSION_COOKIE_NAME)
        if sent is not None and sent.value:  # empty where the session has ended
            assert isinstance(request.session, SessionStore)
            sent.set(sent.key, str(request.session.cookie), str(request.session.cookie))
        return response
