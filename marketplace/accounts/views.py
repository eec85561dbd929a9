"""The settings page: profile, tokens, teams."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from marketplace.accounts.forms import MemberForm, ProfileForm, TeamForm, TokenForm
from marketplace.accounts.models import Membership, Team
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import memberships_in, teams_of, tokens_of
from marketplace.accounts.services import (
    team_add_member,
    team_create,
    team_remove_member,
    token_create,
    token_revoke,
    user_change,
)
from marketplace.core.errors import DomainError
from marketplace.core.forms import show_refusal

_PROFILE = ("first_name", "last_name", "email")


@require_safe
@never_cache
@login_required
def account_settings(request: PersonRequest) -> HttpResponse:
    """Everything about oneself on one page."""
    return _page(request)


@require_POST
@login_required
def profile_save(request: PersonRequest) -> HttpResponse:
    """Save the profile."""
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return _page(request, profile_form=form)
    user_change(user=request.user, values=form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect("account_settings")


@require_POST
@never_cache
@login_required
def token_new(request: PersonRequest) -> HttpResponse:
    """Make a token; its secret is on this one answer and nowhere else."""
    form = TokenForm(request.POST)
    if form.is_valid():
        try:
            token, secret = token_create(user=request.user, name=form.cleaned_data["name"])
        except DomainError as error:
            show_refusal(form, error)
        else:
            return _page(request, new_token=token, secret=secret)
    return _page(request, token_form=form)


@require_POST
@login_required
def token_end(request: PersonRequest, pk: str) -> HttpResponse:
    """Revoke a token."""
    token = tokens_of(request.user).filter(pk=pk).first()
    if token is None:
        raise Http404("There is no such token.")
    token_revoke(token=token)
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("account_settings")


@require_POST
@login_required
def team_new(request: PersonRequest) -> HttpResponse:
    """Make a team."""
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            team = team_create(owner=request.user, name=form.cleaned_data["name"])
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"The team “{team.name}” is made.")
            return redirect("account_settings")
    return _page(request, team_form=form)


@require_POST
@login_required
def member_add(request: PersonRequest, pk: str) -> HttpResponse:
    """Add a person to a team."""
    team = _team(request, pk)
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            member = team_add_member(
                team=team, by=request.user, username=form.cleaned_data["username"]
            )
        except DomainError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{member.user} is in “{team.name}” now.")
    return redirect("account_settings")


@require_POST
@login_required
def member_remove(request: PersonRequest, pk: str, user_pk: int) -> HttpResponse:
    """Take a person out of a team."""
    team = _team(request, pk)
    membership = memberships_in(team).filter(user_id=user_pk).first()
    if membership is None:
        raise Http404("There is no such member.")
    try:
        team_remove_member(team=team, by=request.user, user=membership.user)
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.user} is no longer in “{team.name}”.")
    return redirect("account_settings")


def _team(request: PersonRequest, pk: str) -> Team:
    team = teams_of(request.user).filter(pk=pk).first()
    if team is None:
        raise Http404("There is no such team.")
    return team


def _page(request: PersonRequest, **more: Any) -> HttpResponse:
    profile = {name: getattr(request.user, name) for name in _PROFILE}
    teams = [(team, _members(team, request)) for team in teams_of(request.user)]
    context = {
        "profile_form": ProfileForm(initial=profile),
        "token_form": TokenForm(auto_id="token_%s"),
        "team_form": TeamForm(auto_id="team_%s"),
        "tokens": tokens_of(request.user),
        "teams": teams,
        **more,
    }
    refused = any(context[name].errors for name in ("profile_form", "token_form", "team_form"))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, "accounts/settings.html", context, status=status)


def _members(team: Team, request: PersonRequest) -> dict[str, Any]:
    members: list[Membership] = list(memberships_in(team))
    owns = any(row.user_id == request.user.pk and row.role == "owner" for row in members)
    return {"members": members, "owns": owns}
