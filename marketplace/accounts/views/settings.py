"""The settings page, with profile and tokens."""

from http import HTTPStatus
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from marketplace.accounts.forms import ProfileForm, TokenForm
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import tokens_of
from marketplace.accounts.services import user_change

_PROFILE = ("first_name", "last_name", "email")
_FORMS = ("profile_form", "token_form")


@require_safe
@never_cache
@login_required
def account_settings(request: PersonRequest) -> HttpResponse:
    return settings_page(request)


@require_POST
@login_required
def profile_save(request: PersonRequest) -> HttpResponse:
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return settings_page(request, profile_form=form)
    user_change(user=request.user, values=form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect("account_settings")


def settings_page(request: PersonRequest, **more: Any) -> HttpResponse:
    """Render the page. `more` may contain a form with errors, or a secret that is shown once."""
    profile = {name: getattr(request.user, name) for name in _PROFILE}
    context = {
        "profile_form": ProfileForm(initial=profile),
        "token_form": TokenForm(auto_id="token_%s"),
        "tokens": tokens_of(request.user),
        "has_second_factor": is_mfa_enabled(request.user),
        **more,
    }
    refused = any(context[name].errors for name in _FORMS)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK
    return render(request, "accounts/settings.html", context, status=status)
