"""Writes about people, teams and tokens."""

import secrets
import zlib
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from marketplace.accounts.models import ApiToken, Membership, Role, Team, User, Visibility
from marketplace.accounts.selectors import teams_of, token_digest
from marketplace.core.errors import DomainError

TOKEN_PREFIX = "fh_"
MAX_TOKENS_PER_PERSON = 50
_LAST_USED_EVERY_S = 60


def user_change(*, user: User, values: Mapping[str, str]) -> User:
    """Change what a person says about themselves."""
    changed = [name for name in ("first_name", "last_name", "email") if name in values]
    for name in changed:
        setattr(user, name, values[name])
    user.save(update_fields=changed)
    return user


def token_create(*, user: User, name: str) -> tuple[ApiToken, str]:
    """A new token: its row, and the secret that is shown once."""
    if user.api_tokens.count() >= MAX_TOKENS_PER_PERSON:
        raise DomainError(f"You have {MAX_TOKENS_PER_PERSON} tokens; revoke one that is not used.")
    body = secrets.token_urlsafe(30)
    # The checksum lets a scanner tell a leaked token from random text without asking us.
    secret = f"{TOKEN_PREFIX}{body}{zlib.crc32(body.encode()):08x}"
    row = ApiToken.objects.create(
        user=user, name=name[:80] or "token", prefix=secret[:9], digest=token_digest(secret)
    )
    return row, secret


def token_revoke(*, token: ApiToken) -> None:
    """The token stops working at once."""
    token.delete()


def token_user(*, secret: str) -> User | None:
    """The active person this token belongs to, noting (once a minute) that it was used."""
    token = ApiToken.objects.select_related("user").filter(digest=token_digest(secret)).first()
    if token is None or not token.user.is_active:
        return None
    now = timezone.now()
    if (
        token.last_used_at is None
        or (now - token.last_used_at).total_seconds() >= _LAST_USED_EVERY_S
    ):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token.user


@transaction.atomic
def team_create(*, owner: User, name: str) -> Team:
    """A new team with its first member."""
    name = name.strip()
    if not name:
        raise DomainError("A team needs a name.", fields={"name": "Give the team a name."})
    if Team.objects.filter(name__iexact=name).exists():
        raise DomainError("There is a team of that name.", fields={"name": "Choose another name."})
    team = Team.objects.create(name=name[:80])
    Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    return team


def team_add_member(*, team: Team, by: User, username: str) -> Membership:
    """Add a person to the team; only an owner of the team may."""
    _must_own(team, by)
    user = User.objects.filter(username=username.strip(), is_active=True).first()
    if user is None:
        raise DomainError(
            "Nobody here has that user name; ask the person to sign up first.",
            fields={"username": "Nobody here has that user name."},
        )
    membership, _ = Membership.objects.get_or_create(team=team, user=user)
    return membership


def team_remove_member(*, team: Team, by: User, user: User) -> None:
    """Take a person out: an owner may take anybody, others themselves, never the last owner."""
    if by != user:
        _must_own(team, by)
    others = Membership.objects.filter(team=team, role=Role.OWNER).exclude(user=user)
    if not others.exists():
        raise DomainError("A team keeps at least one owner; make somebody else owner first.")
    Membership.objects.filter(team=team, user=user).delete()


def sharing_check(*, owner: User, visibility: str, team: Team | None) -> None:
    """DomainError unless the owner may share a row so: a known visibility, a team of theirs."""
    if visibility not in Visibility.values:
        message = f"Choose one of {', '.join(Visibility.values)}."
        raise DomainError(message, fields={"visibility": message})
    if visibility == Visibility.TEAM and (
        team is None or not teams_of(owner).filter(pk=team.pk).exists()
    ):
        raise DomainError("Choose a team of yours.", fields={"team": "Choose a team of yours."})


def _must_own(team: Team, by: User) -> None:
    if not Membership.objects.filter(team=team, user=by, role=Role.OWNER).exists():
        raise DomainError("Only an owner of the team may change who is in it.")
