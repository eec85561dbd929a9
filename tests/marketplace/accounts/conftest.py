"""Staff, second factors, and attempts that do not count from test to test."""

from collections.abc import Iterator

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache

from marketplace.accounts.models import User


@pytest.fixture
def secret(alice: User) -> str:
    """Alice has an authenticator app."""
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    RecoveryCodes.activate(alice)
    return secret


@pytest.fixture
def address(alice: User) -> str:
    """Where Alice gets mail."""
    alice.email = "alice@example.org"
    alice.save()
    return alice.email


@pytest.fixture
def staff(alice: User) -> User:
    """Alice operates the instance."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return alice


@pytest.fixture(autouse=True)
def _nobody_is_locked_out() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()
