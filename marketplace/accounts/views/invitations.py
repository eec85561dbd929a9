"""Answers to invitations, which are on the teams page."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from marketplace.accounts.invitations import (
    invitation_accept,
    invitation_decline,
    invitation_withdraw,
)
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import get_or_404, invitations_to, withdrawable_by
from marketplace.accounts.views.teams import attempt, back


@require_POST
@login_required
def accept(request: PersonRequest, pk: str) -> HttpResponse:
    invitation = get_or_404(invitations_to(request.user), pk)
    said = f"You are in “{invitation.team.name}” now."
    attempt(request, lambda: invitation_accept(invitation=invitation, by=request.user), said)
    return back()


@require_POST
@login_required
def decline(request: PersonRequest, pk: str) -> HttpResponse:
    invitation = get_or_404(invitations_to(request.user), pk)
    said = f"You declined the invitation to “{invitation.team.name}”."
    attempt(request, lambda: invitation_decline(invitation=invitation, by=request.user), said)
    return back()


@require_POST
@login_required
def withdraw(request: PersonRequest, pk: str) -> HttpResponse:
    invitation = get_or_404(withdrawable_by(request.user), pk)
    said = f"The invitation of {invitation.name} is withdrawn."
    attempt(request, lambda: invitation_withdraw(invitation=invitation, by=request.user), said)
    return back()
