from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from marketplace.accounts.models import Membership, Role, Team, User


def can_manage_team(user: User | AnonymousUser, team: Team) -> bool:
    """Allow owners to rename and delete a team, and to manage its members."""
    if not user.is_authenticated:
        return False
    return Membership.objects.filter(team=team, user=user, role=Role.OWNER).exists()


def can_operate(user: User | AnonymousUser) -> bool:
    """Allow the operator pages to staff, with a second factor if the operator requires one."""
    if not (user.is_authenticated and user.is_active and user.is_staff):
        return False
    return not settings.ADMIN_NEEDS_MFA or is_mfa_enabled(user)
