"""The number of invitations beside “Teams”, on every page."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import Client

from marketplace.accounts.context import invitations
from marketplace.accounts.invitations import team_invite
from marketplace.accounts.models import Team, User
from marketplace.accounts.services import team_create


def test_every_page_shows_the_person_how_many_invitations_wait(
    client: Client, team: Team, alice: User, bob: User, charlie: User
) -> None:
    client.force_login(charlie)
    assert "invitation" not in client.get("/models/").content.decode()
    team_invite(team=team, by=alice, username="charlie")
    other = team_create(owner=bob, name="Zoology")
    team_invite(team=other, by=bob, username="charlie")
    text = client.get("/models/").content.decode()
    assert '<span class="badge badge--accent">2</span>' in text and "invitations</span>" in text


def test_a_page_counts_them_once_and_a_page_without_the_menu_never(
    alice: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    request = HttpRequest()
    request.user = alice
    with django_assert_num_queries(0):
        number: Any = invitations(request)["n_invitations"]
    with django_assert_num_queries(1):
        assert (number(), number()) == (0, 0)


@pytest.mark.parametrize("user", [AnonymousUser(), None])
def test_who_is_not_signed_in_has_none(user: AnonymousUser | None) -> None:
    request = HttpRequest()
    if user is not None:
        request.user = user
    number: Any = invitations(request)["n_invitations"]
    assert number() == 0
