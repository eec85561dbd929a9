from allauth.account.decorators import reauthentication_required
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from marketplace.accounts.requests import PersonRequest
from marketplace.leaving.downloads import export_response
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


@reauthentication_required
def _send(request: PersonRequest) -> HttpResponseBase:
    return export_response(request.user)
