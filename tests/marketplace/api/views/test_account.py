"""A person's data by the API: with every scope, or a password that was just confirmed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.accounts.models import User
from marketplace.accounts.scopes import ALL_SCOPES
from marketplace.accounts.services import token_create


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """No export of an earlier test counts."""
    cache.clear()


URL = "/api/v1/account/export/"


def test_a_token_with_every_scope_gets_the_zip(client_of: Callable[..., Any], alice: User) -> None:
    answer = client_of(alice).post(URL)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert b"".join(answer.streaming_content).startswith(b"PK")


def test_a_token_that_lacks_a_scope_is_told_which(alice: User) -> None:
    scopes = [scope for scope in ALL_SCOPES if scope not in {"jobs", "adapt"}]
    _, secret = token_create(user=alice, name="most", scopes=scopes)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    answer = client.post(URL)
    assert answer.status_code == 403 and "yours lacks jobs, adapt" in answer.json()["detail"]


def test_a_session_confirms_its_password_first(alice: User) -> None:
    client = APIClient()
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    answer = client.post(URL)
    assert answer.status_code == 403 and "Confirm your password" in answer.json()["detail"]
    client.post(reverse("account_reauthenticate"), {"password": "pw"}, format="multipart")
    assert client.post(URL).status_code == 200


def test_the_sixth_within_an_hour_is_refused(client_of: Callable[..., Any], alice: User) -> None:
    client = client_of(alice)
    assert [client.post(URL).status_code for _ in range(6)] == [200] * 5 + [429]
