"""What a signed-in person sees stays in no cache."""

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory

from marketplace.accounts.models import User
from marketplace.core.middleware import PrivatePagesMiddleware

NO_STORE = "private, no-store"


@pytest.mark.parametrize("path", ["/", "/checkpoints/", "/api/v1/checkpoints/", "/nothing/"])
def test_pages_and_answers_for_a_signed_in_person_are_stored_nowhere(
    client: Client, alice: User, path: str
) -> None:
    client.force_login(alice)
    assert client.get(path, follow=True).headers["Cache-Control"] == NO_STORE


def test_what_a_token_asks_for_is_stored_nowhere(
    client_of: Callable[..., Any], alice: User
) -> None:
    answer = client_of(alice).get("/api/v1/checkpoints/")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, NO_STORE)


def test_pages_for_everybody_may_be_stored(client: Client, db: None) -> None:
    assert "Cache-Control" not in client.get("/").headers


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (HttpResponse("page"), NO_STORE),
        (JsonResponse({}), NO_STORE),
        (JsonResponse({}, headers={"Cache-Control": "max-age=5"}), "max-age=5"),
        (HttpResponse(b"x", content_type="application/octet-stream"), None),
    ],
)
def test_a_view_keeps_its_own_rule_and_a_file_has_none(
    rf: RequestFactory, alice: User, response: HttpResponse, expected: str | None
) -> None:
    request = rf.get("/")
    request.user = alice
    answer = PrivatePagesMiddleware(lambda _: response)(request)
    assert answer.headers.get("Cache-Control") == expected
