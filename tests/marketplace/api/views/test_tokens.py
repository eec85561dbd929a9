"""`tokens/`, and tokens that leaked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from marketplace.accounts.models import ApiToken, User
from marketplace.accounts.services import token_create
from marketplace.audit.models import Record
from tests.marketplace.api.narrow import Narrow

API = "/api/v1"
LEAKED = f"{API}/credentials/revoke/"
PROBLEM = "application/problem+json"


def test_a_token_is_made_shown_once_listed_and_revoked(
    client_of: Callable[..., Any], alice: User, anybody: APIClient
) -> None:
    client = client_of(alice)
    made = client.post(f"{API}/tokens/", {"name": "copy", "scopes": ["jobs", "read"]})
    assert made.status_code == 201
    assert made["Cache-Control"] == "no-store"
    said = made.json()
    assert said["scopes"] == ["read", "jobs"]
    anybody.credentials(HTTP_AUTHORIZATION=f"Bearer {said['token']}")
    assert anybody.get(f"{API}/jobs/").status_code == 200
    one = client.get(f"{API}/tokens/{said['id']}/").json()
    assert "token" not in one
    assert one["last_used_at"]
    assert said["token"] not in client.get(f"{API}/tokens/").content.decode()
    assert client.delete(f"{API}/tokens/{said['id']}/").status_code == 204
    assert anybody.get(f"{API}/jobs/").status_code == 401


def test_a_token_gives_away_no_scope_that_it_lacks(narrow: Callable[..., Narrow]) -> None:
    client = narrow("account", "read")
    made = client.post(f"{API}/tokens/", {"name": "child", "scopes": ["read"]})
    assert made.status_code == 201
    refused = client.post(f"{API}/tokens/", {"name": "child", "scopes": ["read", "jobs"]})
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert "lacks jobs" in refused.json()["detail"]


def test_a_token_makes_none_that_outlives_it(narrow: Callable[..., Narrow]) -> None:
    soon = timezone.now() + timedelta(days=3)
    client = narrow("account", expires_at=soon)
    for late in (None, (soon + timedelta(seconds=1)).isoformat()):
        body = {"name": "child", "scopes": ["account"], "expires_at": late}
        assert client.post(f"{API}/tokens/", body).status_code == 403
    body = {"name": "child", "scopes": ["account"], "expires_at": soon.isoformat()}
    assert client.post(f"{API}/tokens/", body).status_code == 201


def test_a_time_gone_by_and_unknown_scopes_are_refused(
    client_of: Callable[..., Any], alice: User
) -> None:
    client = client_of(alice)
    body = {"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}
    refused = client.post(f"{API}/tokens/", body)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["expires_at"])
    for scopes in ([], ["everything"], "read"):
        refused = client.post(f"{API}/tokens/", {"name": "x", "scopes": scopes})
        assert refused.status_code == 400


def test_an_expired_token_is_401(narrow: Callable[..., Narrow]) -> None:
    client = narrow("read", expires_at=timezone.now() + timedelta(days=1))
    assert client.get(f"{API}/jobs/").status_code == 200
    ApiToken.objects.update(expires_at=timezone.now())
    assert client.get(f"{API}/jobs/").status_code == 401


def test_a_leaked_token_is_revoked_by_its_value_and_the_answer_says_nothing(
    narrow: Callable[..., Narrow], anybody: APIClient, alice: User, bob: User, still: None
) -> None:
    client = narrow("read")
    _, other = token_create(user=bob, name="also there")
    body = {"credentials": [client.secret, "nonsense", f"fh_{'a' * 48}"]}
    found = anybody.post(LEAKED, body)
    missed = anybody.post(LEAKED, body)
    assert (found.status_code, found.content) == (missed.status_code, missed.content) == (202, b"")
    assert client.get(f"{API}/jobs/").status_code == 401
    assert bob.api_tokens.count() == 1
    entry = Record.objects.get(act="token.leaked")
    assert entry.details == {"prefix": client.row.prefix, "owner": "alice"}
    assert client.secret not in str(entry.details)
    assert anybody.post(LEAKED, {"credentials": []}).status_code == 400


def test_a_report_of_very_many_entries_is_refused_by_its_length(
    anybody: APIClient, db: None
) -> None:
    entries = ",".join(["[]"] * 20_000)
    body = f'{{"credentials":[{entries}]}}'.encode()
    answer = anybody.post(LEAKED, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"credentials": ["Give at most 100 entries."]}


def test_a_report_of_more_than_64_kib_is_not_read(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {"credentials": ["x" * 2**16]})
    assert answer.status_code == 413 and "64 KiB" in answer.json()["detail"]
