from collections.abc import Collection, Mapping
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from contract.names import cleaned_name, is_reserved, name_problem
from marketplace.accounts.models import ApiToken, Membership, Role, Team, User
from marketplace.accounts.permissions import can_manage_team
from marketplace.accounts.scopes import ALL_SCOPES
from marketplace.accounts.selectors import token_digest
from marketplace.accounts.token_format import is_well_formed, make_secret
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.core.errors import Conflict, DomainError, Forbidden

MAX_TOKENS_PER_PERSON = 50
DELETED_USER = "deleted user"
_LAST_USED_EVERY_S = 60


def deleted_user() -> User:
    """Return the owner of rows that have lost theirs, an account that nobody can use.

    Its name has a space, so that no one can sign up with it.
    """
    known = User.objects.filter(username=DELETED_USER).first()
    if known is not None:
        return known
    fields = {"is_active": False, "password": make_password(None)}
    return User.objects.get_or_create(username=DELETED_USER, defaults=fields)[0]


@transaction.atomic
def user_change(*, user: User, values: Mapping[str, str]) -> User:
    before = user.email
    changed = [name for name in ("first_name", "last_name", "email") if name in values]
    for name in changed:
        setattr(user, name, values[name])
    user.save(update_fields=changed)
    if user.email != before:
        # Links to set a password are sent there from now on.
        record(Act.EMAIL_CHANGED, by=user, row=user)
    return user


@transaction.atomic
def token_create(
    *,
    user: User,
    name: str,
    scopes: Collection[str] = tuple(ALL_SCOPES),
    expires_at: datetime | None = None,
    using: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """Create a token. Return its row and the secret, which is shown only once.

    A token created `using` another has no more scopes and no later expiry than that one.
    """
    User.objects.select_for_update().get(pk=user.pk)  # one request at a time counts
    if user.api_tokens.count() >= MAX_TOKENS_PER_PERSON:
        raise DomainError(f"You have {MAX_TOKENS_PER_PERSON} tokens; revoke an unused one.")
    _check_scopes(scopes, using)
    _check_expiry(expires_at, using)
    secret = make_secret()
    row = ApiToken.objects.create(
        user=user,
        name=_token_name(name),
        prefix=secret[:9],
        digest=token_digest(secret),
        scopes=[scope for scope in ALL_SCOPES if scope in scopes],
        expires_at=expires_at,
    )
    record(Act.TOKEN_MADE, by=user, row=row, name=row.name, scopes=row.scopes, expires=expires_at)
    return row, secret


def _check_scopes(scopes: Collection[str], using: ApiToken | None) -> None:
    unknown = sorted(set(scopes) - set(ALL_SCOPES))
    if unknown or not scopes:
        message = f"Choose at least one of {', '.join(ALL_SCOPES)}."
        raise DomainError(message, fields={"scopes": message})
    if using is not None and (more := set(scopes) - set(using.scopes)):
        raise Forbidden(
            f"Your token lacks {', '.join(sorted(more))}, so it cannot grant it; create the token "
            "in your settings instead."
        )


def _check_expiry(expires_at: datetime | None, using: ApiToken | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        message = "Choose a time in the future."
        raise DomainError(message, fields={"expires_at": message})
    ends = using.expires_at if using is not None else None
    if ends is not None and (expires_at is None or expires_at > ends):
        raise Forbidden(
            f"Your token expires at {ends.isoformat()}; a token created with it must do so by then."
        )


@transaction.atomic
def token_revoke(*, token: ApiToken, by: User) -> None:
    # Deleting by query leaves the instance its id, which the log needs.
    ApiToken.objects.filter(pk=token.pk).delete()
    record(Act.TOKEN_REVOKED, by=by, row=token, name=token.name)


@transaction.atomic
def tokens_revoke_leaked(*, secrets: Collection[str]) -> int:
    """Revoke leaked tokens of any user. Return how many there were."""
    digests = {token_digest(secret) for secret in secrets if is_well_formed(secret)}
    found = list(ApiToken.objects.select_related("user").filter(digest__in=digests))
    for token in found:
        token.delete()
    for token in found:
        record(Act.TOKEN_LEAKED, by=None, prefix=token.prefix, owner=token.user)
    return len(found)


def token_use(*, secret: str) -> ApiToken | None:
    """Return the token if it is valid, and record its use at most once a minute."""
    if not is_well_formed(secret):
        return None
    rows = ApiToken.objects.select_related("user").filter(digest=token_digest(secret))
    token = rows.filter(user__is_active=True).first()
    if token is None or token.is_expired:
        return None
    now = timezone.now()
    if (
        token.last_used_at is None
        or (now - token.last_used_at).total_seconds() >= _LAST_USED_EVERY_S
    ):
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


@transaction.atomic
def team_create(*, owner: User, name: str) -> Team:
    """Create a team with its first owner."""
    team = Team(name=_team_name(name))
    _save_name(team)
    Membership.objects.create(team=team, user=owner, role=Role.OWNER)
    record(Act.TEAM_MADE, by=owner, row=team, name=team.name)
    return team


@transaction.atomic
def team_rename(*, team: Team, by: User, name: str) -> Team:
    must_manage(team, by)
    before, team.name = team.name, _team_name(name, team)
    _save_name(team)
    record(Act.TEAM_RENAMED, by=by, row=team, before=before, name=team.name)
    return team


@transaction.atomic
def team_delete(*, team: Team, by: User) -> None:
    """Delete the team. Rows shared with it become private (see `signals`)."""
    must_manage(team, by)
    Team.objects.filter(pk=team.pk).delete()
    record(Act.TEAM_DELETED, by=by, row=team, name=team.name)


@transaction.atomic
def team_change_role(*, team: Team, by: User, user: User, role: str) -> Membership:
    """Change a member's role. Raise Conflict for the last owner."""
    must_manage(team, by)
    check_role(role)
    membership = Membership.objects.filter(team=team, user=user).first()
    if membership is None:
        raise Conflict("That person has just left the team.")
    if role != Role.OWNER:
        _must_leave_an_owner(team, user)
    membership.role = role
    membership.save(update_fields=["role"])
    record(Act.MEMBER_ROLE, by=by, row=team, member=user, role=role)
    return membership


@transaction.atomic
def team_remove_member(*, team: Team, by: User, user: User) -> None:
    """Remove a member. Owners can remove anyone, members themselves, but never the last owner."""
    if by != user:
        must_manage(team, by)
    _must_leave_an_owner(team, user)
    gone, _ = Membership.objects.filter(team=team, user=user).delete()
    if gone:
        record(Act.MEMBER_REMOVED, by=by, row=team, member=user)


def must_manage(team: Team, by: User) -> None:
    if not can_manage_team(by, team):
        raise Forbidden("Only an owner of the team may do that; ask one of them.")


def check_role(role: str) -> None:
    if role not in Role.values:
        message = f"Choose one of {', '.join(Role.values)}."
        raise DomainError(message, fields={"role": message})


def _token_name(name: str) -> str:
    name = cleaned_name(name)[:80]
    if problem := name_problem(name):
        raise DomainError(problem, fields={"name": problem})
    return name or "token"


def _team_name(name: str, team: Team | None = None) -> str:
    name = cleaned_name(name)[:80]
    if not name:
        raise DomainError("A team needs a name.", fields={"name": "Give the team a name."})
    problem = name_problem(name)
    if is_reserved(name):
        problem = f"“{name}” could be taken for the instance itself; choose another name."
    if problem:
        raise DomainError(problem, fields={"name": problem})
    others = Team.objects.exclude(pk=team.pk) if team else Team.objects.all()
    if others.filter(name__iexact=name).exists():
        raise _name_taken()
    return name


def _save_name(team: Team) -> None:
    """Save the team. Raise DomainError if a concurrent request has taken the name."""
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise _name_taken() from error


def _name_taken() -> DomainError:
    return DomainError(
        "There is already a team with that name.", fields={"name": "Choose another name."}
    )


def _must_leave_an_owner(team: Team, user: User) -> None:
    """Raise Conflict for the last owner. Locked, because two owners may leave at the same time."""
    Team.objects.select_for_update().get(pk=team.pk)
    others = Membership.objects.filter(team=team, role=Role.OWNER).exclude(user=user)
    if not others.exists():
        raise Conflict("A team keeps at least one owner; make another member owner first.")
