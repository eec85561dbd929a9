import base64
import json
from http import HTTPStatus

from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from marketplace.accounts.requests import PersonRequest
from marketplace.core.errors import DomainError
from marketplace.core.forms import show_refusal
from marketplace.leaving import services
from marketplace.leaving.downloads import export_response
from marketplace.leaving.forms import CloseForm
from marketplace.leaving.receipts import Receipt
from marketplace.leaving.selectors import closing_obstacles, owned_counts
from marketplace.uploads.quota import storage_used_by


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def account_export(request: PersonRequest) -> HttpResponseBase:
    if request.method == "POST":
        sent: HttpResponseBase = _send(request)
        return sent
    return _page(request)


def _page(request: PersonRequest) -> HttpResponse:
    return render(request, "leaving/export.html", {"n_bytes": storage_used_by(request.user)})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("password")
@login_required
def account_close(request: PersonRequest) -> HttpResponse:
    posted = request.POST if request.method == "POST" else None
    form = CloseForm(posted, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            receipt = services.account_close(user=request.user)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return _closed(request, receipt)
    context = {
        "form": form,
        "obstacles": closing_obstacles(request.user),
        "counts": owned_counts(request.user),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "leaving/close.html", context, status=status)


def _closed(request: HttpRequest, receipt: Receipt) -> HttpResponse:
    """Render the receipt. Nothing of it is kept here, so the page itself holds the download."""
    # Signing out would be recorded with the name of the account.
    request.session.flush()
    request.user = AnonymousUser()
    text = json.dumps(receipt.as_data(), cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
    download = base64.b64encode(text.encode()).decode()
    return render(request, "leaving/closed.html", {"receipt": receipt, "download": download})


@reauthentication_required
def _send(request: PersonRequest) -> HttpResponseBase:
    return export_response(request.user)
