"""The pages of settings and teams."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts import services
from marketplace.accounts.models import ApiToken, Membership, Team, User
from marketplace.accounts.services import token_create, token_use


def test_a_new_token_is_shown_once_and_works(client: Client, alice: User) -> None:
    client.force_login(alice)
    answer = client.post(
        reverse("token_new"), {"name": "laptop", "scopes": ["read"], "days": "never"}
    )
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert token_use(secret=secret).user == alice
    assert secret not in client.get(reverse("account_settings")).content.decode()


def test_a_token_can_be_revoked_by_its_owner_only(
    client: Client, alice: User, charlie: User
) -> None:
    token, secret = token_create(user=alice, name="laptop")
    client.force_login(charlie)
    assert client.post(reverse("token_revoke", args=[token.pk])).status_code == 404
    client.force_login(alice)
    client.post(reverse("token_revoke", args=[token.pk]))
    assert not ApiToken.objects.exists()
    assert token_use(secret=secret) is None


def test_the_profile_is_saved_and_a_wrong_address_refused(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.post(reverse("profile_save"), {"first_name": "Alice", "email": "a@example.org"})
    alice.refresh_from_db()
    assert (alice.first_name, alice.email) == ("Alice", "a@example.org")
    assert client.post(reverse("profile_save"), {"email": "nowhere"}).status_code == 422


def test_a_team_is_made_and_people_are_invited_by_its_owner_only(
    client: Client, alice: User, bob: User, charlie: User
) -> None:
    client.force_login(alice)
    client.post(reverse("team_list"), {"name": "Botany"})
    team = Team.objects.get()
    add = reverse("member_add", args=[team.pk])
    client.post(add, {"username": "bob"})
    assert set(team.members.all()) == {alice}
    client.force_login(bob)
    client.post(reverse("invitation_accept", args=[team.invitations.get().pk]))
    page = client.post(add, {"username": "charlie"}, follow=True).content.decode()
    assert "Only an owner of the team" in page
    client.force_login(charlie)
    assert client.post(add, {"username": "charlie"}).status_code == 404
    assert set(team.members.all()) == {alice, bob}


def test_a_name_that_is_taken_is_refused_beside_the_field(
    client: Client, alice: User, team: Team
) -> None:
    client.force_login(alice)
    answer = client.post(reverse("team_list"), {"name": "botany"})
    assert answer.status_code == 422
    assert "Choose another name." in answer.content.decode()


def test_a_member_may_leave_and_the_last_owner_may_not(
    client: Client, alice: User, bob: User, team: Team
) -> None:
    client.force_login(bob)
    client.post(reverse("member_remove", args=[team.pk, bob.pk]))
    assert not Membership.objects.filter(team=team, user=bob).exists()
    client.force_login(alice)
    remove = reverse("member_remove", args=[team.pk, alice.pk])
    page = client.post(remove, follow=True).content.decode()
    assert "keeps at least one owner" in page


def test_an_empty_token_name_is_refused(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.post(reverse("token_new"), {"name": ""}).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_person_with_too_many_tokens_is_told_so(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MAX_TOKENS_PER_PERSON", 0)
    client.force_login(alice)
    said = {"name": "laptop", "scopes": ["read"], "days": "30"}
    answer = client.post(reverse("token_new"), said)
    assert answer.status_code == 422
    assert "revoke an unused one" in answer.content.decode()


def test_an_owner_renames_and_deletes_the_team(
    client: Client, alice: User, bob: User, team: Team, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(visibility="team", team=team)
    client.force_login(bob)
    for name in ("team_name", "team_delete"):
        assert client.post(reverse(name, args=[team.pk]), {"name": "Mine"}).status_code == 403
    client.force_login(alice)
    assert client.post(reverse("team_list"), {"name": ""}).status_code == 422
    client.post(reverse("team_name", args=[team.pk]), {"name": ""})
    client.post(reverse("team_name", args=[team.pk]), {"name": "Zoology"})
    team.refresh_from_db()
    assert team.name == "Zoology"
    client.post(reverse("team_delete", args=[team.pk]))
    assert not Team.objects.exists()
    row.refresh_from_db()
    assert (row.visibility, row.team) == ("private", None)


def test_an_owner_says_what_a_member_is(client: Client, alice: User, bob: User, team: Team) -> None:
    client.force_login(alice)
    role = reverse("member_role", args=[team.pk, bob.pk])
    for wanted, becomes in (("king", "member"), ("owner", "owner")):
        client.post(role, {"role": wanted})
        assert Membership.objects.get(user=bob).role == becomes
    nobody = reverse("member_role", args=[team.pk, 99_999])
    assert client.post(nobody, {"role": "owner"}).status_code == 404
    page = client.post(reverse("member_add", args=[team.pk]), {"username": ""}, follow=True)
    assert "Give a user name and a role." in page.content.decode()
