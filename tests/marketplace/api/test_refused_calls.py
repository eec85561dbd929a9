"""Calls that are refused count like all others."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from pytest_django import Settings
from rest_framework.test import APIClient

from marketplace.accounts.models import User
from marketplace.accounts.services import token_create
from marketplace.core import rate_limits

URL = "/api/v1/jobs/"


@pytest.fixture(autouse=True)
def _three_a_minute(
    settings: Settings, db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    settings.API_REQUESTS_PER_MINUTE = 3
    cache.clear()
    # The minute does not end in the middle of a test.
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))
    yield
    cache.clear()


def statuses(client: APIClient, method: str = "get", path: str = URL, **more: Any) -> list[int]:
    return [getattr(client, method)(path, **more).status_code for _ in range(5)]


def test_who_has_no_token_is_counted_by_address(anybody: APIClient) -> None:
    first = anybody.get(URL)
    assert first.status_code == 401
    assert first["RateLimit"].startswith('"requests";r=2;t=')
    assert statuses(anybody) == [401, 401, 429, 429, 429]
    refused = anybody.get(URL)
    assert refused["Retry-After"] and refused["Content-Type"] == "application/problem+json"
    assert anybody.get(URL, REMOTE_ADDR="192.0.2.9").status_code == 401


def test_a_token_without_the_scope_is_counted_by_person(alice: User, bob: User) -> None:
    client = APIClient()
    _, secret = token_create(user=alice, name="reads", scopes=["read"])
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert statuses(client, "post") == [403, 403, 403, 429, 429]
    # What was refused has used up the quota of what would not have been.
    assert client.get(URL).status_code == 429


def test_a_call_that_gets_further_is_counted_once(
    client_of: Callable[..., Any], alice: User
) -> None:
    client = client_of(alice)
    nowhere = f"{URL}00000000-0000-0000-0000-000000000000/"
    assert statuses(client, path=nowhere) == [404, 404, 404, 429, 429]


def test_an_address_that_is_none_is_counted_too(anybody: APIClient) -> None:
    assert statuses(anybody, path="/api/v1/nothing/") == [404, 404, 404, 429, 429]
