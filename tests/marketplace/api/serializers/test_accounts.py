"""Tokens and teams as JSON."""

import pytest
from django.test import RequestFactory

from marketplace.accounts.models import Team, User
from marketplace.accounts.services import token_create
from marketplace.api.serializers.accounts import (
    InviteSerializer,
    NewTokenSerializer,
    TeamSerializer,
    TokenCreateSerializer,
    TokenSerializer,
)


def test_the_secret_is_in_the_answer_to_the_making_only(alice: User) -> None:
    row, secret = token_create(user=alice, name="laptop", scopes=["jobs", "read"])
    made = NewTokenSerializer(row, context={"secret": secret}).data
    assert (made["token"], made["scopes"]) == (secret, ["read", "jobs"])
    shown = TokenSerializer(row).data
    assert "token" not in shown and secret not in str(shown)


@pytest.mark.parametrize(("user", "invited"), [("alice", []), ("bob", None)])
def test_a_team_lists_its_members_owners_first(
    rf: RequestFactory, team: Team, user: str, invited: list[str] | None
) -> None:
    request = rf.get("/")
    request.user = User.objects.get(username=user)
    shown = TeamSerializer(team, context={"request": request}).data
    assert shown["members"] == [
        {"username": "alice", "role": "owner"},
        {"username": "bob", "role": "member"},
    ]
    assert shown["invited"] == invited


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read"] * 50])
def test_a_token_needs_known_scopes_and_no_more_than_there_are(scopes: list[str]) -> None:
    shape = TokenCreateSerializer(data={"name": "x", "scopes": scopes})
    assert not shape.is_valid() and set(shape.errors) == {"scopes"}


def test_what_is_left_out_is_the_careful_choice() -> None:
    token = TokenCreateSerializer(data={"name": "x", "scopes": ["read"]})
    member = InviteSerializer(data={"username": "bob"})
    assert token.is_valid() and token.validated_data["expires_at"] is None
    assert member.is_valid() and member.validated_data["role"] == "member"
    assert not InviteSerializer(data={"username": "bob", "role": "king"}).is_valid()
