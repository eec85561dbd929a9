"""The teams page, with the user's teams and the invitations to others."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from marketplace.accounts.forms import MemberForm, RoleForm, TeamForm
from marketplace.accounts.invitations import INVITED, team_invite
from marketplace.accounts.models import Membership, Role, Team, User
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import (
    invitations_to,
    memberships_in,
    pending_in,
    teams_of,
)
from marketplace.accounts.services import (
    team_change_role,
    team_create,
    team_delete,
    team_remove_member,
    team_rename,
)
from marketplace.core.errors import DomainError, Forbidden
from marketplace.core.forms import show_refusal


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def team_list(request: PersonRequest) -> HttpResponse:
    """Show the page, or create a team."""
    form = TeamForm(request.POST if request.method == "POST" else None, auto_id="team_%s")
    if request.method == "POST" and form.is_valid():
        try:
            team = team_create(owner=request.user, name=form.cleaned_data["name"])
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"The team “{team.name}” is created.")
            return back()
    context = {
        "form": form,
        "invitations": invitations_to(request.user),
        "teams": [(team, _about(team, request.user)) for team in teams_of(request.user)],
        "roles": Role.choices,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "accounts/teams.html", context, status=status)


def _about(team: Team, user: User) -> dict[str, Any]:
    members: list[Membership] = list(memberships_in(team))
    owns = any(row.user_id == user.pk and row.role == Role.OWNER for row in members)
    return {"members": members, "owns": owns, "pending": pending_in(team) if owns else ()}


@require_POST
@login_required
def team_name(request: PersonRequest, pk: str) -> HttpResponse:
    team, form = _team(request, pk), TeamForm(request.POST)
    name = form.cleaned_data["name"] if form.is_valid() else ""
    attempt(
        request,
        lambda: team_rename(team=team, by=request.user, name=name),
        f"The team is called “{name}” now.",
    )
    return back()


@require_POST
@login_required
def team_remove(request: PersonRequest, pk: str) -> HttpResponse:
    team = _team(request, pk)
    said = f"The team “{team.name}” is deleted; what was shared with it is private now."
    attempt(request, lambda: team_delete(team=team, by=request.user), said)
    return back()


@require_POST
@login_required
def member_add(request: PersonRequest, pk: str) -> HttpResponse:
    team, form = _team(request, pk), MemberForm(request.POST)
    if form.is_valid():
        name, role = form.cleaned_data["username"], form.cleaned_data["role"]
        attempt(
            request,
            lambda: team_invite(team=team, by=request.user, username=name, role=role),
            INVITED,
        )
    else:
        messages.error(request, "Give a user name and a role.")
    return back()


@require_POST
@login_required
def member_role(request: PersonRequest, pk: str, user_pk: int) -> HttpResponse:
    team, form = _team(request, pk), RoleForm(request.POST)
    user = _member(team, user_pk)
    if form.is_valid():
        role = form.cleaned_data["role"]
        attempt(
            request,
            lambda: team_change_role(team=team, by=request.user, user=user, role=role),
            f"{user} is {role} of “{team.name}” now.",
        )
    else:
        messages.error(request, "Choose one of the roles.")
    return back()


@require_POST
@login_required
def member_remove(request: PersonRequest, pk: str, user_pk: int) -> HttpResponse:
    team = _team(request, pk)
    user = _member(team, user_pk)
    attempt(
        request,
        lambda: team_remove_member(team=team, by=request.user, user=user),
        f"{user} is no longer in “{team.name}”.",
    )
    return back()


def attempt(request: PersonRequest, act: Callable[[], object], said: str) -> None:
    """Show the outcome of an action as a message. Forbidden becomes an error page."""
    try:
        act()
    except Forbidden:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)


def back() -> HttpResponse:
    return redirect("team_list")


def _team(request: PersonRequest, pk: str) -> Team:
    team = teams_of(request.user).filter(pk=pk).first()
    if team is None:
        raise Http404("There is no such team.")
    return team


def _member(team: Team, user_pk: int) -> User:
    membership = memberships_in(team).filter(user_id=user_pk).first()
    if membership is None:
        raise Http404("There is no such member.")
    return membership.user
