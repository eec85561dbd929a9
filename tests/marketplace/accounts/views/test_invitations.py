"""Invitations on the teams page: the owner's list, and the invited person's answer."""

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.invitations import INVITED, team_invite
from marketplace.accounts.models import Invitation, Role, Team, User
from marketplace.accounts.views import invitations as views

TEAMS = "/me/teams/"


@pytest.fixture
def invitation(team: Team, alice: User, charlie: User) -> Invitation:
    """Charlie is invited to Alice's team."""
    team_invite(team=team, by=alice, username="charlie", role=Role.OWNER)
    return charlie.invitations.get()


def page(client: Client, user: User) -> str:
    """The teams page as the person sees it."""
    client.force_login(user)
    return client.get(TEAMS).content.decode()


def test_the_page_answers_alike_for_names_that_there_are_and_are_not(
    client: Client, alice: User, charlie: User, team: Team
) -> None:
    client.force_login(alice)
    pages = []
    for name in ("charlie", "nobodys"):
        answer = client.post(reverse("member_add", args=[team.pk]), {"username": name})
        assert (answer.status_code, answer.headers["Location"]) == (302, TEAMS)
        text = client.get(TEAMS).content.decode()
        assert INVITED in text and name in text
        row = Invitation.objects.get()
        client.post(reverse("invitation_withdraw", args=[row.pk]), follow=True)
        pages.append(text.replace(str(row.pk), "ID").replace(name, "NAME"))
    assert without_forms_secret(pages[0]) == without_forms_secret(pages[1])


def without_forms_secret(text: str) -> str:
    """The page without the tokens that differ in every answer."""
    return "\n".join(line for line in text.splitlines() if "csrfmiddlewaretoken" not in line)


def test_the_person_sees_who_invites_to_what_and_joins(
    client: Client, charlie: User, team: Team, invitation: Invitation
) -> None:
    text = page(client, charlie)
    assert "Invited by alice" in text and "Botany" in text
    answer = client.post(reverse("invitation_accept", args=[invitation.pk]), follow=True)
    text = answer.content.decode()
    assert "You are in “Botany” now." in text and "Invitations</h2>" not in text
    assert team.members.filter(pk=charlie.pk).exists()


def test_the_person_declines_and_the_owners_page_stays_as_it_was(
    client: Client, alice: User, charlie: User, team: Team, invitation: Invitation
) -> None:
    before = page(client, alice)
    client.force_login(charlie)
    answer = client.post(reverse("invitation_decline", args=[invitation.pk]), follow=True)
    assert "You declined the invitation to “Botany”." in answer.content.decode()
    after = page(client, alice)
    assert without_forms_secret(after) == without_forms_secret(before)
    assert not team.members.filter(pk=charlie.pk).exists()


def test_members_do_not_see_whom_the_owners_invited(
    client: Client, bob: User, invitation: Invitation
) -> None:
    assert "charlie" not in page(client, bob)
    withdraw = reverse("invitation_withdraw", args=[invitation.pk])
    assert client.post(withdraw).status_code == 404


@pytest.mark.parametrize("act", ["accept", "decline", "withdraw"])
def test_a_stranger_finds_no_invitation_of_another(
    client: Client, invitation: Invitation, act: str
) -> None:
    dora = User.objects.create_user("dora")
    assert "Botany" not in page(client, dora)
    answer = client.post(reverse(f"invitation_{act}", args=[invitation.pk]))
    assert answer.status_code == 404
    assert Invitation.objects.get().user == invitation.user


def test_an_answer_that_comes_too_late_is_told_so(
    client: Client, charlie: User, invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner withdraws it between the look-up and the answer."""
    client.force_login(charlie)
    accept = views.invitation_accept

    def late(**said: object) -> None:
        Invitation.objects.all().delete()
        accept(invitation=invitation, by=charlie)

    monkeypatch.setattr(views, "invitation_accept", late)
    answer = client.post(reverse("invitation_accept", args=[invitation.pk]), follow=True)
    assert "This invitation is no longer open" in answer.content.decode()


def test_an_owner_with_too_many_open_invitations_reads_why(
    client: Client, alice: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.accounts.invitations.MAX_PENDING_PER_TEAM", 0)
    client.force_login(alice)
    add = reverse("member_add", args=[team.pk])
    answer = client.post(add, {"username": "robin"}, follow=True)
    assert "at most 0 open invitations" in answer.content.decode()
