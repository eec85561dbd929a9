"""Whom a person may share a row with: one rule for models, pools and learners."""

import pytest

from marketplace.accounts.models import Owned, Team, User
from marketplace.core.errors import DomainError


@pytest.mark.parametrize(("visibility", "field"), [("secret", "visibility"), ("team", "team")])
def test_a_row_is_shared_only_in_known_ways_and_with_a_named_team(
    charlie: User, visibility: str, field: str
) -> None:
    with pytest.raises(DomainError) as caught:
        Owned.check_sharing(charlie, visibility, None)
    assert set(caught.value.fields) == {field}


@pytest.mark.parametrize("visibility", ["private", "team", "public"])
def test_a_team_must_be_ones_own(charlie: User, team: Team, visibility: str) -> None:
    with pytest.raises(DomainError) as caught:
        Owned.check_sharing(charlie, visibility, team)
    assert caught.value.fields == {"team": "You are not in that team."}


def test_everything_that_is_wrong_is_named_at_once(charlie: User, team: Team) -> None:
    with pytest.raises(DomainError) as caught:
        Owned.check_sharing(charlie, "secret", team)
    assert set(caught.value.fields) == {"visibility", "team"}


def test_a_team_is_kept_only_where_the_row_is_shared_with_it(bob: User, team: Team) -> None:
    assert Owned.check_sharing(bob, "team", team) == {"visibility": "team", "team": team}
    assert Owned.check_sharing(bob, "public", team) == {"visibility": "public", "team": None}


def test_what_was_shared_with_a_team_becomes_private_once_its_owner_has_left(
    bob: User, charlie: User, team: Team
) -> None:
    assert Owned.sharing_kept(bob, "team", team) == {"visibility": "team", "team": team}
    assert Owned.sharing_kept(charlie, "team", team) == {"visibility": "private", "team": None}
    assert Owned.sharing_kept(charlie, "public", team) == {"visibility": "public", "team": None}
