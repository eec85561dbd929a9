from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contract.settings import PRESET
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import get_or_404
from marketplace.algorithms.models import AlgorithmSpec
from marketplace.algorithms.selectors import algorithms_published
from marketplace.core.errors import DomainError
from marketplace.core.forms import show_refusal
from marketplace.core.paging import page_of
from marketplace.core.preview_store import preview_or_none
from marketplace.core.whole_numbers import whole_number
from marketplace.jobs.forms import SETTING_PREFIX, LaunchForm
from marketplace.jobs.live import job_live
from marketplace.jobs.models import Job
from marketplace.jobs.permissions import can_cancel_job, can_resume_job
from marketplace.jobs.selectors import jobs_editable_by, jobs_visible_to, previews_shown
from marketplace.jobs.services import job_cancel, job_launch, job_resume
from marketplace.jobs.states import JobState
from marketplace.pools.selectors import (
    members_fit,
    pool_deleted,
    pool_members,
    pools_visible_to,
)

_PREFERRED = "free_plus"


@require_safe
@login_required
def job_list(request: PersonRequest) -> HttpResponse:
    rows = jobs_visible_to(request.user)
    state = request.GET.get("state", "")
    if state in JobState.values:
        rows = rows.filter(state=state)
    page = page_of(request, rows)
    context = {"page": page, "states": JobState.choices, "state": state}
    return render(request, "jobs/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def job_new(request: PersonRequest, pk: str) -> HttpResponse:
    pool = get_or_404(pools_visible_to(request.user), pk)
    specs = list(algorithms_published())
    context: dict[str, Any] = {
        "pool": pool,
        "specs": specs,
        "fit": members_fit(pool_members(pool, request.user)),
    }
    if not specs:
        return render(request, "jobs/launch.html", context)
    spec = _chosen_spec(specs, request.POST.get("algorithm") or request.GET.get("algorithm", ""))
    preset = request.POST.get(f"{SETTING_PREFIX}{PRESET}") or request.GET.get(PRESET, "")
    form = LaunchForm(request.POST or None, spec=spec, preset=preset)
    if request.method == "POST" and form.is_valid():
        try:
            job = job_launch(
                owner=request.user,
                pool=pool,
                algorithm=spec.name,
                settings=form.settings(),
                seed=form.cleaned_data["seed"],
            )
        except DomainError as error:
            show_refusal(form, _with_setting_names(error))
        else:
            return redirect("job_detail", pk=job.pk)
    context |= {"spec": spec, "form": form}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "jobs/launch.html", context, status=status)


@require_safe
@login_required
def job_detail(request: PersonRequest, pk: str) -> HttpResponse:
    job = get_or_404(jobs_visible_to(request.user), pk)
    spec = algorithms_published().filter(pk=job.algorithm).first()
    context = {
        "job": job,
        "spec": spec,
        "previews": previews_shown(request.user, job),
        "deleted_models": pool_deleted(job.pool),
        "live": _live(request, job, since=0, event=0),
    }
    return render(request, "jobs/detail.html", context)


@require_safe
@never_cache
@login_required
def job_live_data(request: PersonRequest, pk: str) -> JsonResponse:
    """Return what is new since the step and the log line that the page already shows."""
    job = get_or_404(jobs_visible_to(request.user), pk)
    since, event = _whole(request, "since"), _whole(request, "event")
    return JsonResponse(_live(request, job, since=since, event=event))


@require_safe
@never_cache
@login_required
def job_preview(request: PersonRequest, pk: str) -> HttpResponse:
    """Return the current grid of recovered images, or 204 if there is none."""
    job = get_or_404(jobs_visible_to(request.user), pk)
    if not previews_shown(request.user, job):
        raise Http404("Not every owner consents to previews.")
    png = preview_or_none(str(job.pk))
    if png is None:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    return HttpResponse(png, content_type="image/png", headers={"Cache-Control": "no-store"})


@require_POST
@login_required
def job_cancel_now(request: PersonRequest, pk: str) -> HttpResponse:
    job = get_or_404(jobs_editable_by(request.user), pk)
    return _moved(request, job, lambda: job_cancel(job=job, by=request.user))


@require_POST
@login_required
def job_resume_now(request: PersonRequest, pk: str) -> HttpResponse:
    job = get_or_404(jobs_editable_by(request.user), pk)
    return _moved(request, job, lambda: job_resume(job=job, by=request.user))


def _moved(request: PersonRequest, job: Job, move: Any) -> HttpResponse:
    try:
        move()
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("job_detail", pk=job.pk)


def _live(request: PersonRequest, job: Job, *, since: int, event: int) -> dict[str, Any]:
    learner = getattr(job, "learner", None) if job.state == JobState.SUCCEEDED else None
    return {
        **job_live(job, since=since, event=event),
        "can_cancel": can_cancel_job(request.user, job),
        "can_resume": can_resume_job(request.user, job),
        "learner_url": reverse("learner_detail", args=[learner.pk]) if learner else "",
    }


def _whole(request: PersonRequest, name: str) -> int:
    return whole_number(request.GET.get(name, "")) or 0


def _chosen_spec(specs: list[AlgorithmSpec], name: str) -> AlgorithmSpec:
    wanted = [spec for spec in specs if spec.name == name]
    preferred = [spec for spec in specs if spec.name == _PREFERRED]
    return (wanted or preferred or specs)[0]


def _with_setting_names(error: DomainError) -> DomainError:
    known = {"pool", "seed", "algorithm"}
    fields = {
        name if name in known else f"{SETTING_PREFIX}{name}": text
        for name, text in error.fields.items()
    }
    return DomainError(str(error), fields=fields)
