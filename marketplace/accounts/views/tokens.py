from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from marketplace.accounts.forms import TokenForm
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import tokens_of
from marketplace.accounts.services import token_create, token_revoke
from marketplace.accounts.views.settings import settings_page
from marketplace.core.errors import DomainError
from marketplace.core.forms import show_refusal


@require_POST
@never_cache
@login_required
def token_new(request: PersonRequest) -> HttpResponse:
    """Create a token. Only this response contains its secret."""
    form = TokenForm(request.POST, auto_id="token_%s")
    if form.is_valid():
        try:
            token, secret = token_create(
                user=request.user,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                expires_at=form.expires_at(),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            return settings_page(request, new_token=token, secret=secret)
    return settings_page(request, token_form=form)


@require_POST
@login_required
def token_end(request: PersonRequest, pk: str) -> HttpResponse:
    token = tokens_of(request.user).filter(pk=pk).first()
    if token is None:
        raise Http404("There is no such token.")
    token_revoke(token=token, by=request.user)
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("account_settings")
