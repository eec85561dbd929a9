"""How often the API may be called."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from marketplace.accounts.models import User

API = "/api/v1"
LEAKED = f"{API}/credentials/revoke/"


def test_reports_are_counted_for_an_address(anybody: APIClient, db: None, still: None) -> None:
    answers = [anybody.post(LEAKED, {"credentials": ["x"]}) for _ in "x" * 31]
    assert [answer.status_code for answer in answers] == [202] * 30 + [429]
    assert answers[-1]["RateLimit"].startswith('"reports";r=0;t=')


def test_no_limit_no_headers(client_of: Callable[..., Any], alice: User) -> None:
    assert "RateLimit" not in client_of(alice).get(f"{API}/jobs/")


@pytest.mark.parametrize(
    "addresses",
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.2"),
    ],
)
def test_calls_without_a_person_are_counted_for_the_household(
    anybody: APIClient,
    settings: Settings,
    db: None,
    still: None,
    addresses: tuple[str, str, str],
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    assert anybody.get(f"{API}/nothing/").status_code == 404
    calls = [anybody.get(f"{API}/schema/", REMOTE_ADDR=one) for one in addresses]
    assert [answer.status_code for answer in calls] == [200, 429, 200]
