"""Adapters that customise django-allauth."""

import base64
import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from contract.names import cleaned_name, is_reserved, name_problem
from marketplace.accounts.known_browsers import known_browser, remember_browser
from marketplace.accounts.models import User
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.addresses import client_address
from marketplace.core.secrets import Undecryptable, seal, unseal

log = logging.getLogger(__name__)
_PURPOSE = "second-factor"


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGN_UP_OPEN)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Refuse names that could be taken for the instance, and letters that look alike."""
        username = cleaned_name(username)
        if is_reserved(username):
            raise ValidationError("This name is reserved; choose another one.")
        if problem := name_problem(username):
            raise ValidationError(problem)
        found: str = super().clean_username(username, shallow=shallow)
        return found

    def post_login(self, request: HttpRequest, user: User, **more: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **more)
        remember_browser(response, user)
        return response

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        key: str = super()._get_login_attempts_cache_key(request, **credentials)
        browser = known_browser(request, str(credentials.get("username") or ""))
        return f"{key}:{browser}" if browser else key

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address by which attempts are counted. Clients without one count together."""
        return client_address(request) or "0.0.0.0"  # noqa: S104 - no address to listen on

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail. A mail server's error is logged rather than shown.

        The response would otherwise reveal whether an account has that address.
        """
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:
            log.exception("a mail (%s) could not be sent", template_prefix)

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return a link with the site's own address, whatever host name the request used."""
        path = urlsplit(super().get_reset_password_from_key_url(key)).path
        return f"{settings.SITE_URL}{path}"


class SessionsAdapter(DefaultUserSessionsAdapter):
    """Records in the audit log that a user ended other sessions."""

    @transaction.atomic
    def end_sessions(self, sessions: Sequence[Any]) -> None:
        super().end_sessions(sessions)
        if sessions:
            record(Act.SESSIONS_ENDED, by=sessions[0].user, sessions=len(sessions))


class MfaAdapter(DefaultMFAAdapter):
    """Encrypts the secrets of second factors, so that the database alone does not yield codes."""

    def encrypt(self, text: str) -> str:
        sealed = seal(text.encode(), secret=settings.SECRET_KEY, purpose=_PURPOSE)
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret, also one encrypted with a former key of the instance."""
        sealed = base64.b64decode(encrypted_text)
        former: list[str] = list(settings.SECRET_KEY_FALLBACKS)
        for secret in [settings.SECRET_KEY, *former]:
            try:
                return unseal(sealed, secret=secret, purpose=_PURPOSE).decode()
            except Undecryptable as error:
                last = error
        raise last

    def send_notification_mail(self, *args: object, **kwargs: object) -> None:
        """Send nothing, because addresses are never verified. The audit log records the change."""
