"""Who may do what with a team and with the operator's pages."""

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from marketplace.accounts.models import Membership, Role, Team, User


def can_manage_team(user: User | AnonymousUser, team: Team) -> bool:
    """Rename it, delete it, and say who is in it and as what: its owners."""
    if not user.is_authenticated:
        return False
    return Membership.objects.filter(team=team, user=user, role=Role.OWNER).exists()


def can_operate(user: User | AnonymousUser) -> bool:
    """Use the operator's pages: staff, with a second factor where the operator asks for one."""
    if not (user.is_authenticated and user.is_active and user.is_staff):
        return False
    return not settings.ADMIN_NEEDS_MFA or is_mfa_enabled(user)
