"""Visibility rules, which every list and detail page uses."""

import hashlib
from typing import TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Case, Q, QuerySet, When
from django.http import Http404
from django.utils import timezone

from marketplace.accounts.models import (
    ApiToken,
    Invitation,
    Membership,
    Owned,
    Role,
    Team,
    User,
    Visibility,
)
from marketplace.core.models import Row

T = TypeVar("T", bound=Owned)
AnyRow = TypeVar("AnyRow", bound=Row)
Person = User | AnonymousUser


def visible_to(rows: "QuerySet[T]", user: Person) -> "QuerySet[T]":
    """Return the rows that this user may see: their own, their teams' and public ones."""
    return rows.filter(seen_by(user))


def seen_by(user: Person) -> Q:
    """Return the rule of `visible_to` as a condition."""
    public = Q(visibility=Visibility.PUBLIC)
    if not user.is_authenticated:
        return public
    seen = public | Q(owner_id=user.pk)
    # Two plain queries are cheaper than one with a subquery that is compiled each time.
    if teams := list(Membership.objects.filter(user=user).values_list("team_id", flat=True)):
        seen |= Q(visibility=Visibility.TEAM, team_id__in=teams)
    return seen


def row_by_row(condition: Q) -> Case:
    """Return the condition in a form that is checked row by row, in the order of the list.

    For an OR, SQLite otherwise collects all rows by its indexes and sorts them to show the first
    few: 11 ms instead of 0.04 ms with 10,000 models.
    """
    return Case(When(condition, then=True), default=False, output_field=BooleanField())


def editable_by(rows: "QuerySet[T]", user: Person) -> "QuerySet[T]":
    return rows.filter(owner=user) if user.is_authenticated else rows.none()


def get_or_404(rows: "QuerySet[AnyRow]", pk: object) -> AnyRow:
    """Return the row. Raise Http404 if it does not exist or the id is invalid."""
    try:
        return rows.get(pk=pk)
    except (rows.model.DoesNotExist, ValidationError, ValueError, TypeError) as error:
        raise Http404("There is nothing here.") from error


def teams_of(user: Person) -> "QuerySet[Team]":
    return Team.objects.filter(members=user) if user.is_authenticated else Team.objects.none()


def memberships_in(team: Team) -> "QuerySet[Membership]":
    """Return the team's memberships, owners first."""
    rows = Membership.objects.filter(team=team).select_related("user")
    return rows.order_by("-role", "user__username")


def pending_in(team: Team) -> "QuerySet[Invitation]":
    """Return the team's open invitations for its owners, by the names that they typed."""
    return _pending().filter(team=team).order_by("name", "pk")


def invitations_to(user: User) -> "QuerySet[Invitation]":
    """Return the invitations that the user can accept or decline, newest first."""
    rows = _pending().filter(user=user).select_related("team", "invited_by")
    return rows.order_by("-expires_at", "pk")


def withdrawable_by(user: User) -> "QuerySet[Invitation]":
    """Return the open invitations of the teams that the user owns."""
    owned = Membership.objects.filter(user=user, role=Role.OWNER).values("team")
    return _pending().filter(team__in=owned).select_related("team")


def _pending() -> "QuerySet[Invitation]":
    return Invitation.objects.filter(expires_at__gt=timezone.now())


def tokens_of(user: User) -> "QuerySet[ApiToken]":
    return ApiToken.objects.filter(user=user)


def token_digest(secret: str) -> str:
    """Return the stored hash. Tokens are random and long, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
