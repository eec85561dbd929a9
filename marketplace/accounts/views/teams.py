from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from marketplace.accounts.forms import MemberForm, RoleForm, TeamForm
from marketplace.accounts.models import Team, User
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import memberships_in, teams_of
from marketplace.accounts.services import (
    team_add_member,
    team_change_role,
    team_create,
    team_delete,
    team_remove_member,
    team_rename,
)
from marketplace.accounts.views.settings import settings_page
from marketplace.core.errors import DomainError, Forbidden
from marketplace.core.forms import show_refusal


@require_POST
@login_required
def team_new(request: PersonRequest) -> HttpResponse:
    form = TeamForm(request.POST, auto_id="team_%s")
    if form.is_valid():
        try:
            team = team_create(owner=request.user, name=form.cleaned_data["name"])
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"The team “{team.name}” is created.")
            return _back()
    return settings_page(request, team_form=form)


@require_POST
@login_required
def team_name(request: PersonRequest, pk: str) -> HttpResponse:
    team, form = _team(request, pk), TeamForm(request.POST)
    name = form.cleaned_data["name"] if form.is_valid() else ""
    _try(
        request,
        lambda: team_rename(team=team, by=request.user, name=name),
        f"The team is called “{name}” now.",
    )
    return _back()


@require_POST
@login_required
def team_remove(request: PersonRequest, pk: str) -> HttpResponse:
    team = _team(request, pk)
    said = f"The team “{team.name}” is deleted; what was shared with it is private now."
    _try(request, lambda: team_delete(team=team, by=request.user), said)
    return _back()


@require_POST
@login_required
def member_add(request: PersonRequest, pk: str) -> HttpResponse:
    team, form = _team(request, pk), MemberForm(request.POST)
    if form.is_valid():
        name, role = form.cleaned_data["username"], form.cleaned_data["role"]
        _try(
            request,
            lambda: team_add_member(team=team, by=request.user, username=name, role=role),
            f"{name} is in “{team.name}” now.",
        )
    else:
        messages.error(request, "Give a user name and a role.")
    return _back()


@require_POST
@login_required
def member_role(request: PersonRequest, pk: str, user_pk: int) -> HttpResponse:
    team, form = _team(request, pk), RoleForm(request.POST)
    user = _member(team, user_pk)
    if form.is_valid():
        role = form.cleaned_data["role"]
        _try(
            request,
            lambda: team_change_role(team=team, by=request.user, user=user, role=role),
            f"{user} is {role} of “{team.name}” now.",
        )
    else:
        messages.error(request, "Choose one of the roles.")
    return _back()


@require_POST
@login_required
def member_remove(request: PersonRequest, pk: str, user_pk: int) -> HttpResponse:
    team = _team(request, pk)
    user = _member(team, user_pk)
    _try(
        request,
        lambda: team_remove_member(team=team, by=request.user, user=user),
        f"{user} is no longer in “{team.name}”.",
    )
    return _back()


def _try(request: PersonRequest, act: Callable[[], object], said: str) -> None:
    """Show the outcome of an action as a message. Forbidden becomes an error page."""
    try:
        act()
    except Forbidden:
        raise
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)


def _back() -> HttpResponse:
    return redirect("account_settings")


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
