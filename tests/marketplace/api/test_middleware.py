"""Answers say how many calls are left."""

from collections.abc import Callable
from typing import Any

from pytest_django import Settings

from marketplace.accounts.models import User

API = "/api/v1"
PROBLEM = "application/problem+json"


def test_calls_are_counted_for_a_person_and_the_headers_say_how_many_are_left(
    client_of: Callable[..., Any], alice: User, bob: User, settings: Settings, still: None
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    client = client_of(alice)
    answers = [client.get(f"{API}/jobs/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0]["RateLimit-Policy"] == '"requests";q=3;w=60'
    refused = answers[3]
    assert refused["Content-Type"] == PROBLEM
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert refused["RateLimit"] == f'"requests";r=0;t={refused["Retry-After"]}'
    assert client_of(alice).get(f"{API}/jobs/").status_code == 429
    assert client_of(bob).get(f"{API}/jobs/").status_code == 200
