"""Scopes, tokens made with tokens, leaked tokens, teams, and how often one may call."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient
from rest_framework.views import APIView

from marketplace.accounts.models import ApiToken, Membership, Team, User
from marketplace.accounts.scopes import ALL_SCOPES
from marketplace.accounts.services import token_create
from marketplace.api.permissions import scope_of
from marketplace.audit.models import Record
from marketplace.core import rate_limits
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner

API = "/api/v1"
LEAKED = f"{API}/credentials/revoke/"
NOON = 1_800_000_000.0
PROBLEM = "application/problem+json"


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing was counted before, and the minute does not end in the middle of a test."""
    cache.clear()
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(time=lambda: NOON))
    yield
    cache.clear()


class Narrow(APIClient):
    """A client that knows its token."""

    row: ApiToken
    secret: str


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


NEEDS = [
    ("get", "checkpoints/", "read"),
    ("post", "checkpoints/", "upload"),
    ("post", "pools/", "write"),
    ("post", "jobs/", "jobs"),
    ("get", "tokens/", "account"),
    ("post", "tokens/", "account"),
    ("post", "teams/", "account"),
    ("get", "teams/", "read"),
]


@pytest.mark.parametrize(("method", "path", "scope"), NEEDS)
def test_a_scope_that_is_missing_is_named_and_one_that_is_there_is_enough(
    narrow: Callable[..., Narrow], method: str, path: str, scope: str
) -> None:
    others = [name for name in ALL_SCOPES if name != scope]
    refused = getattr(narrow(*others), method)(f"{API}/{path}")
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert refused.json()["scope"] == scope
    assert scope in refused.json()["detail"]
    assert getattr(narrow(scope), method)(f"{API}/{path}").status_code != 403


def test_the_scopes_of_actions_on_rows(
    narrow: Callable[..., Narrow], learner: MetaLearner, job: Job
) -> None:
    reader = narrow("read")
    for path, scope in [
        (f"jobs/{job.pk}/cancel/", "jobs"),
        (f"jobs/{job.pk}/resume/", "jobs"),
        (f"learners/{learner.pk}/adaptations/", "adapt"),
    ]:
        answer = reader.post(f"{API}/{path}", {})
        assert (answer.status_code, answer.json()["scope"]) == (403, scope)
    answer = reader.patch(f"{API}/learners/{learner.pk}/", {"name": "x"})
    assert (answer.status_code, answer.json()["scope"]) == (403, "write")


def test_what_nobody_thought_about_needs_write() -> None:
    assert scope_of(APIView(), "POST") == "write"
    assert scope_of(APIView(), "GET") == "read"


def test_a_session_needs_no_scope(alice: User) -> None:
    client = APIClient()
    client.force_login(alice)
    assert client.get(f"{API}/tokens/").status_code == 200


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


def test_reports_are_counted_for_an_address(anybody: APIClient, db: None, still: None) -> None:
    answers = [anybody.post(LEAKED, {"credentials": ["x"]}) for _ in "x" * 31]
    assert [answer.status_code for answer in answers] == [202] * 30 + [429]
    assert answers[-1]["RateLimit"].startswith('"reports";r=0;t=')


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


def test_many_wrong_tokens_lock_an_address_out_for_a_while(
    anybody: APIClient, db: None, client_of: Callable[..., Any], alice: User, still: None
) -> None:
    anybody.credentials(HTTP_AUTHORIZATION="Bearer fh_wrong")
    answers = [anybody.get(f"{API}/jobs/") for _ in range(61)]
    assert [answer.status_code for answer in answers] == [401] * 60 + [429]
    assert answers[-1]["RateLimit"].startswith('"wrong-tokens";r=0;t=')
    assert client_of(alice).get(f"{API}/jobs/").status_code == 200


def test_a_team_from_its_making_to_its_end(
    client_of: Callable[..., Any], alice: User, bob: User, make_checkpoint: Callable[..., Any]
) -> None:
    owner, member = client_of(alice), client_of(bob)
    team = owner.post(f"{API}/teams/", {"name": "Botany"}).json()
    where = f"{API}/teams/{team['id']}/"
    assert team["members"] == [{"username": "alice", "role": "owner"}]
    assert member.get(where).status_code == 404
    added = owner.post(f"{where}members/", {"username": "bob"}).json()
    assert added["members"][1] == {"username": "bob", "role": "member"}
    assert [row["id"] for row in member.get(f"{API}/teams/").json()["results"]] == [team["id"]]
    refused = member.patch(where, {"name": "Zoology"})
    assert (refused.status_code, refused["Content-Type"]) == (403, PROBLEM)
    assert owner.patch(where, {"name": " Zoology "}).json()["name"] == "Zoology"
    row = make_checkpoint(visibility="team", team_id=team["id"])
    assert member.get(f"{API}/checkpoints/{row.pk}/").status_code == 200
    assert owner.delete(where).status_code == 204
    row.refresh_from_db()
    assert (row.visibility, row.team) == ("private", None)
    assert member.get(f"{API}/checkpoints/{row.pk}/").status_code == 404


def test_one_owner_always_stays(
    client_of: Callable[..., Any], alice: User, bob: User, team: Team
) -> None:
    where = f"{API}/teams/{team.pk}/members"
    owner = client_of(alice)
    for answer in (
        owner.delete(f"{where}/alice/"),
        owner.patch(f"{where}/alice/", {"role": "member"}),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (409, PROBLEM)
    assert owner.patch(f"{where}/bob/", {"role": "owner"}).status_code == 200
    assert owner.patch(f"{where}/alice/", {"role": "member"}).status_code == 200
    assert owner.patch(f"{where}/bob/", {"role": "member"}).status_code == 403
    assert owner.delete(f"{where}/alice/").status_code == 204
    assert list(Membership.objects.values_list("user__username", "role")) == [("bob", "owner")]


@pytest.mark.parametrize("name", ["nobody", "charlie", "%00"])
def test_who_is_not_in_the_team_is_404(
    client_of: Callable[..., Any], alice: User, charlie: User, team: Team, name: str
) -> None:
    client = client_of(alice)
    assert client.delete(f"{API}/teams/{team.pk}/members/{name}/").status_code == 404


def test_only_people_and_roles_that_there_are(
    client_of: Callable[..., Any], alice: User, charlie: User, team: Team
) -> None:
    client = client_of(alice)
    where = f"{API}/teams/{team.pk}/members/"
    for body in ({"username": "nobody"}, {"username": "charlie", "role": "king"}, {}):
        assert client.post(where, body).status_code == 400
    answer = client.post(where, {"username": "charlie", "role": "owner"})
    assert {"username": "charlie", "role": "owner"} in answer.json()["members"]


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


def test_of_many_wrong_entries_the_first_are_named(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {"credentials": [[]] * 100})
    sentences = answer.json()["errors"]["credentials"]
    assert len(sentences) == 10 and sentences[0].startswith("Entry 1:")


def test_of_many_unknown_fields_some_are_named(anybody: APIClient, db: None) -> None:
    answer = anybody.post(LEAKED, {f"field {number}": 1 for number in range(2000)})
    assert answer.status_code == 400 and len(answer.json()["errors"]) == 10
