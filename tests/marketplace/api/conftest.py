"""A minute that does not end, and tokens with few scopes."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from marketplace.accounts.models import User
from marketplace.accounts.services import token_create
from marketplace.core import rate_limits
from tests.marketplace.api.narrow import Narrow

NOON = 1_800_000_000.0


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing was counted before, and the minute does not end in the middle of a test."""
    cache.clear()
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: NOON))
    yield
    cache.clear()


@pytest.fixture
def narrow(alice: User) -> Callable[..., Narrow]:
    """A client of Alice's with these scopes only."""

    def make(*scopes: Any, **more: Any) -> Narrow:
        row, secret = token_create(user=alice, name="narrow", scopes=scopes, **more)
        client = Narrow(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        client.row, client.secret = row, secret
        return client

    return make
