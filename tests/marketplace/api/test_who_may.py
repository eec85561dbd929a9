"""Alice owns, Bob is on her team, Charlie is a stranger: what each may see and do."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.accounts.models import Team, User
from marketplace.jobs.models import Job
from tests.marketplace.conftest import publish

API = "/api/v1"
# What may be asked about a row: (method, path below the row, body).
READS = {
    "checkpoints": ["", "download/"],
    "pools": [""],
    "jobs": ["", "metrics/", "events/"],
    "learners": ["", "download/", "files/config.json"],
}
WRITES: dict[str, list[tuple[str, str, Any]]] = {
    "checkpoints": [("patch", "", {"description": "mine now"}), ("delete", "", None)],
    "pools": [("patch", "", {"checkpoints": []}), ("delete", "", None)],
    "jobs": [("post", "cancel/", None), ("post", "resume/", None)],
    "learners": [("patch", "", {"name": "mine now"})],
}
KINDS = list(READS)


@pytest.fixture
def rows(job: Job, shared: Any) -> Callable[..., Any]:
    """One row of each kind, shared in the way asked for."""

    def make(kind: str, sharing: str) -> Any:
        row = {
            "checkpoints": job.pool.checkpoints.first(),
            "pools": job.pool,
            "jobs": job,
            "learners": publish(job),
        }[kind]
        for name, value in getattr(shared, sharing).items():
            setattr(row, name, value)
        row.save()
        return row

    return make


def people(request: pytest.FixtureRequest) -> dict[str, APIClient]:
    """Clients by name."""
    client_of = request.getfixturevalue("client_of")
    return {name: client_of(request.getfixturevalue(name)) for name in ("alice", "bob", "charlie")}


SEES = {
    "private": {"alice": 200, "bob": 404, "charlie": 404},
    "team": {"alice": 200, "bob": 200, "charlie": 404},
    "public": {"alice": 200, "bob": 200, "charlie": 200},
}


@pytest.mark.parametrize("sharing", SEES)
@pytest.mark.parametrize("kind", KINDS)
def test_everybody_sees_exactly_what_is_shared_with_them(
    request: pytest.FixtureRequest, rows: Callable[..., Any], kind: str, sharing: str
) -> None:
    row = rows(kind, sharing)
    for name, client in people(request).items():
        for path in READS[kind]:
            answer = client.get(f"{API}/{kind}/{row.pk}/{path}")
            assert answer.status_code == SEES[sharing][name], (name, path)
        listed = {item["id"] for item in client.get(f"{API}/{kind}/").json()["results"]}
        assert (str(row.pk) in listed) == (SEES[sharing][name] == 200), name


@pytest.mark.parametrize("sharing", SEES)
@pytest.mark.parametrize("kind", KINDS)
def test_only_the_owner_changes_and_hidden_rows_are_404(
    request: pytest.FixtureRequest, rows: Callable[..., Any], kind: str, sharing: str
) -> None:
    row = rows(kind, sharing)
    clients = people(request)
    for method, path, body in WRITES[kind]:
        for name in ("bob", "charlie"):
            answer = getattr(clients[name], method)(f"{API}/{kind}/{row.pk}/{path}", body)
            expected = 403 if SEES[sharing][name] == 200 else 404
            assert answer.status_code == expected, (name, method, path)
            assert answer["Content-Type"] == "application/problem+json"
    row.refresh_from_db()
    assert "mine now" not in (getattr(row, "name", ""), getattr(row, "description", ""))


@pytest.mark.parametrize("kind", [*KINDS, "algorithms", "architectures"])
def test_nobody_gets_anything_without_a_token(
    request: pytest.FixtureRequest, anybody: APIClient, rows: Callable[..., Any], kind: str
) -> None:
    paths = [f"{API}/{kind}/"]
    if kind in KINDS:
        row = rows(kind, "public")
        paths += [f"{API}/{kind}/{row.pk}/{path}" for path in READS[kind]]
    for path in paths:
        answer = anybody.get(path)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), path
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pk", ["no-id", "0", "00000000-0000-4000-8000-000000000000", "%00"])
def test_an_id_that_is_none_is_404(
    client_of: Callable[..., Any], alice: User, kind: str, pk: str
) -> None:
    answer = client_of(alice).get(f"{API}/{kind}/{pk}/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_model_that_is_not_valid_yet_is_seen_by_its_owner_only(
    client_of: Callable[..., Any], alice: User, charlie: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(state="uploaded", visibility="public")
    assert client_of(alice).get(f"{API}/checkpoints/{row.pk}/").status_code == 200
    assert client_of(charlie).get(f"{API}/checkpoints/{row.pk}/").status_code == 404


def test_who_leaves_the_team_no_longer_sees(
    client_of: Callable[..., Any], bob: User, team: Team, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(visibility="team", team=team)
    client = client_of(bob)
    assert client.get(f"{API}/checkpoints/{row.pk}/").status_code == 200
    team.members.remove(bob)
    assert client.get(f"{API}/checkpoints/{row.pk}/").status_code == 404
