from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import get_or_404
from marketplace.audit.downloads import record_download
from marketplace.audit.states import Act
from marketplace.core.errors import DomainError
from marketplace.core.forms import show_refusal
from marketplace.core.paging import page_of
from marketplace.learners.cards import card_html
from marketplace.learners.downloads import file_response, zip_response
from marketplace.learners.forms import LearnerForm
from marketplace.learners.permissions import can_edit_learner
from marketplace.learners.selectors import (
    CLOSED,
    learner_file,
    learner_lineage,
    learners_editable_by,
    learners_usable_by,
    learners_visible_to,
)
from marketplace.learners.services import learner_change


@require_safe
@login_required
def learner_list(request: PersonRequest) -> HttpResponse:
    rows = learners_visible_to(request.user).defer("card", "provenance")
    return render(request, "learners/list.html", {"page": page_of(request, rows)})


@require_safe
@login_required
def learner_detail(request: PersonRequest, pk: str) -> HttpResponse:
    learner = get_or_404(learners_visible_to(request.user), pk)
    context = {
        "learner": learner,
        "card": card_html(learner.card),
        "lineage": learner_lineage(learner, request.user),
        "can_edit": can_edit_learner(request.user, learner),
        "closed": CLOSED,
    }
    return render(request, "learners/detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def learner_edit(request: PersonRequest, pk: str) -> HttpResponse:
    learner = get_or_404(learners_editable_by(request.user), pk)
    initial = {name: getattr(learner, name) for name in ("name", "visibility", "team")}
    form = LearnerForm(request.POST or None, user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            learner_change(learner=learner, by=request.user, values=form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("learner_detail", pk=learner.pk)
    return render(request, "learners/edit.html", {"form": form, "learner": learner})


@require_safe
@login_required
def learner_download(request: PersonRequest, pk: str) -> HttpResponseBase:
    learner = get_or_404(learners_usable_by(request.user), pk)
    return record_download(
        zip_response(learner),
        Act.LEARNER_DOWNLOADED,
        method=request.method,
        by=request.user,
        row=learner,
    )


@require_safe
@login_required
def learner_one_file(request: PersonRequest, pk: str, path: str) -> HttpResponseBase:
    learner = get_or_404(learners_usable_by(request.user), pk)
    entry = learner_file(learner, path)
    if entry is None:
        raise Http404("The meta-learner has no such file.")
    response = file_response(request, learner, entry)
    return record_download(
        response,
        Act.LEARNER_DOWNLOADED,
        method=request.method,
        by=request.user,
        row=learner,
        file=path,
    )
