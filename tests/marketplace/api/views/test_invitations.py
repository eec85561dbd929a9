"""`invitations/`, and what `teams/` tells of them."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.accounts.invitations import INVITED, team_invite
from marketplace.accounts.models import Invitation, Membership, Team, User
from marketplace.accounts.services import token_create

API = "/api/v1"
INVITATIONS = f"{API}/invitations/"


@pytest.fixture
def invitation(team: Team, alice: User, charlie: User) -> Invitation:
    """Charlie is invited to Alice's team."""
    team_invite(team=team, by=alice, username="charlie")
    return charlie.invitations.get()


def test_an_invitation_is_listed_and_accepted(
    client_of: Callable[..., Any], charlie: User, team: Team, invitation: Invitation
) -> None:
    client = client_of(charlie)
    (found,) = client.get(INVITATIONS).json()["results"]
    assert (found["id"], found["team"]) == (str(invitation.pk), "Botany")
    assert (found["role"], found["invited_by"]) == ("member", "alice")
    accepted = client.post(f"{INVITATIONS}{invitation.pk}/accept/").json()
    assert accepted["id"] == str(team.pk)
    assert {"username": "charlie", "role": "member"} in accepted["members"]
    assert accepted["invited"] is None
    assert client.get(INVITATIONS).json()["results"] == []


def test_names_that_there_are_and_are_not_get_the_same_status_body_and_headers(
    client_of: Callable[..., Any], alice: User, charlie: User, team: Team
) -> None:
    User.objects.create_user("gone", is_active=False)
    client = client_of(alice)
    answers = [
        client.post(f"{API}/teams/{team.pk}/members/", {"username": name})
        for name in ("charlie", "charlie", "gone", "no one", "bob", "alice")
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json() == {"detail": INVITED} for answer in answers)
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1


def test_owners_see_the_names_they_typed_and_nothing_that_tells_who_exists(
    client_of: Callable[..., Any], alice: User, bob: User, team: Team, invitation: Invitation
) -> None:
    team_invite(team=team, by=alice, username="no one")
    invited = client_of(alice).get(f"{API}/teams/{team.pk}/").json()["invited"]
    assert [row["username"] for row in invited] == ["charlie", "no one"]
    assert set(invited[0]) == {"id", "username", "role", "created_at", "expires_at"}
    (of_a_member,) = client_of(bob).get(f"{API}/teams/").json()["results"]
    assert of_a_member["invited"] is None


def test_the_invited_person_declines_and_an_owner_withdraws(
    client_of: Callable[..., Any], alice: User, charlie: User, team: Team, invitation: Invitation
) -> None:
    where = f"{INVITATIONS}{invitation.pk}/"
    assert client_of(charlie).delete(where).status_code == 204
    assert client_of(charlie).delete(where).status_code == 404
    assert client_of(alice).delete(where).status_code == 204
    assert not Invitation.objects.exists()
    assert Membership.objects.filter(team=team).count() == 2


def test_an_invitation_of_another_is_404(
    client_of: Callable[..., Any], bob: User, invitation: Invitation
) -> None:
    for user in (bob, User.objects.create_user("dora")):
        client = client_of(user)
        assert client.get(INVITATIONS).json()["count"] == 0
        assert client.post(f"{INVITATIONS}{invitation.pk}/accept/").status_code == 404
        assert client.delete(f"{INVITATIONS}{invitation.pk}/").status_code == 404
    assert Invitation.objects.get().user == invitation.user


def test_a_team_with_too_many_open_invitations_is_409(
    client_of: Callable[..., Any], alice: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.accounts.invitations.MAX_PENDING_PER_TEAM", 0)
    answer = client_of(alice).post(f"{API}/teams/{team.pk}/members/", {"username": "robin"})
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")


def test_a_token_reads_invitations_with_read_and_answers_them_with_account(
    anybody: APIClient, charlie: User, invitation: Invitation
) -> None:
    _, secret = token_create(user=charlie, name="t", scopes=["read"])
    anybody.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert anybody.get(INVITATIONS).json()["count"] == 1
    for answer in (
        anybody.post(f"{INVITATIONS}{invitation.pk}/accept/"),
        anybody.delete(f"{INVITATIONS}{invitation.pk}/"),
    ):
        assert (answer.status_code, answer.json()["scope"]) == (403, "account")
