"""`Authorization: Bearer TOKEN`."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.accounts.models import User

API = "/api/v1"


def test_many_wrong_tokens_lock_an_address_out_for_a_while(
    anybody: APIClient, db: None, client_of: Callable[..., Any], alice: User, still: None
) -> None:
    anybody.credentials(HTTP_AUTHORIZATION="Bearer fh_wrong")
    answers = [anybody.get(f"{API}/jobs/") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [401] * 60 + [429]
    assert answers[-1]["RateLimit"].startswith('"wrong-tokens";r=0;t=')
    assert client_of(alice).get(f"{API}/jobs/").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Bearer wrong", "Bearer", "Bearer a b", "Bearer \xff\xfe", "bearer fh_", "Basic YTpi", "x"],
)
def test_a_wrong_token_is_401(anybody: APIClient, db: None, header: str) -> None:
    answer = anybody.get(f"{API}/jobs/", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_a_revoked_token_and_a_closed_account_are_401(
    client_of: Callable[..., Any], alice: User
) -> None:
    client = client_of(alice)
    alice.is_active = False
    alice.save()
    assert client.get(f"{API}/jobs/").status_code == 401
    alice.is_active = True
    alice.save()
    assert client.get(f"{API}/jobs/").status_code == 200
    alice.api_tokens.all().delete()
    assert client.get(f"{API}/jobs/").status_code == 401


def test_a_session_reads_and_writes_only_with_the_csrf_token(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    from rest_framework.test import APIClient

    row = make_checkpoint()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get(f"{API}/checkpoints/").status_code == 200
    refused = client.patch(f"{API}/checkpoints/{row.pk}/", {"description": "forged"})
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
