"""Who may do what with a team and with the operator's pages."""

from django.contrib.auth.models import AnonymousUser
from pytest_django import Settings

from marketplace.accounts.models import Team, User
from marketplace.accounts.permissions import can_manage_team, can_operate


def test_who_may_operate_and_manage(staff: User, bob: User, team: Team, settings: Settings) -> None:
    assert can_operate(staff)
    assert not can_operate(bob)
    assert not can_operate(AnonymousUser())
    staff.is_active = False
    assert not can_operate(staff)
    assert can_manage_team(staff, team)
    assert not can_manage_team(bob, team)
    assert not can_manage_team(AnonymousUser(), team)
