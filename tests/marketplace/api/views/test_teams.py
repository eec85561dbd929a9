"""`teams/`."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import Membership, Team, User

API = "/api/v1"
PROBLEM = "application/problem+json"


def test_a_team_from_its_making_to_its_end(
    client_of: Callable[..., Any], alice: User, bob: User, make_checkpoint: Callable[..., Any]
) -> None:
    owner, member = client_of(alice), client_of(bob)
    team = owner.post(f"{API}/teams/", {"name": "Botany"}).json()
    where = f"{API}/teams/{team['id']}/"
    assert team["members"] == [{"username": "alice", "role": "owner"}]
    assert member.get(where).status_code == 404
    assert owner.post(f"{where}members/", {"username": "bob"}).status_code == 202
    invited = owner.get(where).json()["invited"][0]
    accepted = member.post(f"{API}/invitations/{invited['id']}/accept/").json()
    assert accepted["members"][1] == {"username": "bob", "role": "member"}
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


def test_only_roles_that_there_are(
    client_of: Callable[..., Any], alice: User, charlie: User, team: Team
) -> None:
    client = client_of(alice)
    where = f"{API}/teams/{team.pk}/members/"
    for body in ({"username": "charlie", "role": "king"}, {"username": " "}, {}):
        assert client.post(where, body).status_code == 400
    client.post(where, {"username": "charlie", "role": "owner"})
    assert charlie.invitations.get().role == "owner"
