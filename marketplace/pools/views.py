from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Page
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import get_or_404
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.search import checkpoints_search
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import Conflict, DomainError
from marketplace.core.forms import show_refusal
from marketplace.core.paging import page_of
from marketplace.pools.forms import CandidateFilterForm, MembersForm, PoolForm
from marketplace.pools.models import Pool
from marketplace.pools.permissions import can_edit_pool
from marketplace.pools.selectors import (
    MAX_POOL_SIZE,
    members_fit,
    pool_fit,
    pool_members,
    pools_editable_by,
    pools_visible_to,
)
from marketplace.pools.services import pool_change_checkpoints, pool_create, pool_delete

CANDIDATES_PER_PAGE = 20


@require_safe
@login_required
def pool_list(request: PersonRequest) -> HttpResponse:
    page = page_of(request, pools_visible_to(request.user))
    return render(request, "pools/list.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def pool_new(request: PersonRequest) -> HttpResponse:
    form = PoolForm(request.POST or None, user=request.user)
    chosen = request.POST.getlist("checkpoints") or request.GET.getlist("add")
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            pool = pool_create(
                owner=request.user,
                name=values["name"],
                checkpoint_ids=values["checkpoints"],
                visibility=values["visibility"],
                team=values["team"],
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"“{pool.name}” is created. You can launch a job on it now.")
            return redirect("pool_detail", pk=pool.pk)
    return _builder(request, form, _chosen(request, chosen))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def pool_edit(request: PersonRequest, pk: str) -> HttpResponse:
    pool = get_or_404(pools_editable_by(request.user), pk)
    if pool.is_frozen:
        raise Conflict("A job has used this pool, so it is frozen; make a new pool instead.")
    form = MembersForm(request.POST or None)
    members = pool_members(pool, request.user)
    chosen = [member.checkpoint for member in members if member.visible]
    if request.method == "POST" and form.is_valid():
        ids = form.cleaned_data["checkpoints"]
        chosen = _chosen(request, ids)
        try:
            pool_change_checkpoints(pool=pool, by=request.user, checkpoint_ids=ids)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, "The pool’s models are changed.")
            return redirect("pool_detail", pk=pool.pk)
    n_hidden = len(members) - sum(member.visible for member in members)
    return _builder(request, form, chosen, pool=pool, n_hidden=n_hidden)


@require_safe
@login_required
def pool_candidates(request: PersonRequest) -> HttpResponse:
    """Render the models that may be chosen, as a part of the builder's page."""
    context = {"candidates": _candidates(request)}
    return render(request, "pools/_candidates.html", context)


@require_POST
@login_required
def pool_fit_panel(request: PersonRequest) -> HttpResponse:
    """Render the fit of the chosen models, as a part of the builder's page."""
    chosen = _chosen(request, request.POST.getlist("checkpoints"))
    return render(request, "pools/_fit.html", {"fit": pool_fit(chosen), "chosen": chosen})


@require_safe
@login_required
def pool_detail(request: PersonRequest, pk: str) -> HttpResponse:
    pool = get_or_404(pools_visible_to(request.user), pk)
    members = pool_members(pool, request.user)
    context = {
        "pool": pool,
        "members": members,
        "fit": members_fit(members),
        "can_edit": can_edit_pool(request.user, pool),
    }
    return render(request, "pools/detail.html", context)


@require_POST
@login_required
def pool_remove(request: PersonRequest, pk: str) -> HttpResponse:
    pool = get_or_404(pools_editable_by(request.user), pk)
    name = pool.name
    pool_delete(pool=pool)
    messages.success(request, f"“{name}” is deleted; its models stay.")
    return redirect("pool_list")


def _builder(
    request: PersonRequest,
    form: PoolForm | MembersForm,
    chosen: Sequence[Checkpoint],
    *,
    pool: Pool | None = None,
    n_hidden: int = 0,
) -> HttpResponse:
    context = {
        "form": form,
        "pool": pool,
        "n_hidden": n_hidden,
        "chosen": chosen,
        "fit": pool_fit(chosen),
        "filter_form": CandidateFilterForm(request.GET, user=request.user, auto_id="filter_%s"),
        "candidates": _candidates(request),
    }
    return render(request, "pools/builder.html", context, status=422 if form.errors else 200)


def _candidates(request: PersonRequest) -> "Page[Checkpoint]":
    filters = CandidateFilterForm(request.GET, user=request.user).filters()
    rows = checkpoints_search(request.user, filters).filter(
        state=CheckpointState.VALID, quarantined_at=None
    )
    return page_of(request, rows, size=CANDIDATES_PER_PAGE)


def _chosen(request: PersonRequest, ids: Sequence[str]) -> list[Checkpoint]:
    wanted = list(dict.fromkeys(ids))[: MAX_POOL_SIZE + 1]
    try:
        rows = checkpoints_visible_to(request.user).defer("description").filter(pk__in=wanted)
        found = {str(row.pk): row for row in rows}
    except ValidationError:
        return []
    return [found[pk] for pk in wanted if pk in found]
