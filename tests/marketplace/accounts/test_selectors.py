"""What a person may see."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from marketplace.accounts.models import Membership, Role, Team, User
from marketplace.accounts.selectors import (
    editable_by,
    get_or_404,
    memberships_in,
    row_by_row,
    seen_by,
    teams_of,
    visible_to,
)
from marketplace.checkpoints.models import Checkpoint


def test_what_nobody_signed_in_may_see_and_change(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint(visibility="public")
    make_checkpoint("hidden")
    anybody = AnonymousUser()
    assert list(visible_to(Checkpoint.objects.all(), anybody)) == [row]
    assert not editable_by(Checkpoint.objects.all(), anybody).exists()
    assert not teams_of(anybody).exists()
    for pk in ("nonsense", None):
        with pytest.raises(Http404):
            get_or_404(Checkpoint.objects.all(), pk)


def test_a_team_shows_its_rows_to_its_members_and_an_owner_changes_only_their_own(
    make_checkpoint: Callable[..., Any], shared: Any, alice: User, bob: User, charlie: User
) -> None:
    for name, changes in vars(shared).items():
        make_checkpoint(name, **changes)
    rows = Checkpoint.objects.all()
    seen = [{row.name for row in visible_to(rows, user)} for user in (alice, bob, charlie)]
    assert seen == [{"private", "team", "public"}, {"team", "public"}, {"public"}]
    assert [editable_by(rows, user).count() for user in (alice, bob)] == [3, 0]


def test_the_condition_gives_the_same_rows_when_it_is_checked_row_by_row(
    make_checkpoint: Callable[..., Any], shared: Any, bob: User
) -> None:
    for name, changes in vars(shared).items():
        make_checkpoint(name, **changes)
    rows = Checkpoint.objects.order_by("pk")
    assert list(rows.filter(row_by_row(seen_by(bob)))) == list(visible_to(rows, bob))


def test_the_owners_of_a_team_come_first_and_the_rest_by_name(
    team: Team, alice: User, bob: User, charlie: User
) -> None:
    Membership.objects.create(team=team, user=charlie, role=Role.OWNER)
    names = [row.user.username for row in memberships_in(team)]
    assert names == ["alice", "charlie", "bob"]
