"""Invitations to teams.

Nothing that an owner gets back, sees or waits for tells whether a name belongs to an account: a
name that no one has is stored and listed like any other.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Lower
from django.utils import timezone

from contract.names import cleaned_name
from marketplace.accounts.models import Invitation, Membership, Role, Team, User
from marketplace.accounts.services import check_role, must_manage
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import Conflict, DomainError

INVITED = "If someone here has that name, they will find the invitation on their teams page."
INVITATION_LIFETIME = timedelta(days=14)
MAX_PENDING_PER_TEAM = 50
_NO_USER = 0


@transaction.atomic
def team_invite(*, team: Team, by: User, username: str, role: str = Role.MEMBER) -> str:
    """Invite the user with that name, or renew their invitation. Always return `INVITED`.

    The same queries run whether the name exists or not. A name that no user has is not given to
    someone who signs up with it later: anyone could take the place of the person that was meant.
    """
    _lock(team)
    must_manage(team, by)
    check_role(role)
    name = _invited_name(username)
    user = _user_named(name)
    user_id = user.pk if user is not None else _NO_USER
    rows = Invitation.objects.filter(team=team)
    rows.filter(expires_at__lte=timezone.now()).delete()
    same_name = rows.alias(folded=Lower("name")).filter(folded=Lower(Value(name)))
    known: Invitation | None = same_name.first()
    if known is None and rows.count() >= MAX_PENDING_PER_TEAM:
        raise Conflict(f"A team has at most {MAX_PENDING_PER_TEAM} open invitations; withdraw one.")
    if Membership.objects.filter(team=team, user_id=user_id).exists():
        # Owners see their members, so this reveals nothing.
        return INVITED
    # The user may have been invited by a former name, which stays in the list as it was typed.
    rows.filter(user_id=user_id).update(user=None)
    invitation = known or Invitation(team=team)
    invitation.name, invitation.user, invitation.role = name, user, role
    invitation.invited_by = by
    invitation.expires_at = timezone.now() + INVITATION_LIFETIME
    invitation.save()
    record(Act.MEMBER_INVITED, by=by, row=team, name=name, role=role)
    return INVITED


@transaction.atomic
def invitation_accept(*, invitation: Invitation, by: User) -> Team:
    """Join the team with the invitation's role. Someone who is a member already keeps theirs."""
    row = _open_invitation(invitation, by)
    Membership.objects.get_or_create(team=row.team, user=by, defaults={"role": row.role})
    row.delete()
    record(Act.INVITATION_ACCEPTED, by=by, row=row.team, role=row.role)
    return row.team


@transaction.atomic
def invitation_decline(*, invitation: Invitation, by: User) -> None:
    """Turn the invitation into one of a name that no one has.

    It stays in the list of the team's owners: a name that vanished from there would tell them that
    someone has it.
    """
    row = _open_invitation(invitation, by)
    row.user = None
    row.save(update_fields=["user"])
    record(Act.INVITATION_DECLINED, by=by, row=row.team)


@transaction.atomic
def invitation_withdraw(*, invitation: Invitation, by: User) -> None:
    """Delete the invitation. Any owner of the team may do that."""
    must_manage(invitation.team, by)
    gone, _ = Invitation.objects.filter(pk=invitation.pk).delete()
    if gone:
        record(Act.INVITATION_WITHDRAWN, by=by, row=invitation.team, name=invitation.name)


def invitations_delete_expired() -> None:
    Invitation.objects.filter(expires_at__lte=timezone.now()).delete()


def _lock(team: Team) -> None:
    """Let one request at a time count and write the team's invitations.

    The lock still allows references to the team, which a member who accepts needs meanwhile.
    """
    if not Team.objects.select_for_update(no_key=True).filter(pk=team.pk).exists():
        raise Conflict("This team has just been deleted.")


def _invited_name(username: str) -> str:
    name = cleaned_name(username)[:150]
    if not name:
        raise DomainError("Give a user name.", fields={"username": "Give a user name."})
    return name


def _user_named(name: str) -> User | None:
    """Return the active user, by the exact name or else by the only one in other letter case."""
    found = list(User.objects.filter(username__iexact=name, is_active=True)[:2])
    exact = [user for user in found if user.username == name]
    if exact or len(found) == 1:
        return (exact or found)[0]
    return None


def _open_invitation(invitation: Invitation, by: User) -> Invitation:
    """Return the user's invitation, locked. Raise Conflict if it has ended meanwhile."""
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("team")
    row = rows.filter(pk=invitation.pk, user=by).first()
    if row is None:
        raise Conflict("This invitation is no longer open; ask the team for another one.")
    if row.is_expired:
        raise Conflict("This invitation has expired; ask the team for another one.")
    return row
