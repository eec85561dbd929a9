"""The home page. It shows rows of all apps, so it is above them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from marketplace.accounts.models import User
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.jobs.selectors import jobs_visible_to
from marketplace.learners.selectors import learners_visible_to
from marketplace.pools.selectors import pools_visible_to

N_RECENT = 5


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the landing page to visitors, and recent work to users."""
    if not isinstance(request.user, User):
        return render(request, "core/landing.html")
    user = request.user
    context = {
        "jobs": jobs_visible_to(user)[:N_RECENT],
        "learners": learners_visible_to(user).defer("card", "provenance")[:N_RECENT],
        "pools": pools_visible_to(user)[:N_RECENT],
        "has_models": checkpoints_visible_to(user).exists(),
        "mine_waiting": checkpoints_visible_to(user)
        .filter(owner=user)
        .exclude(state="valid")
        .order_by("-created_at")[:N_RECENT],
    }
    return render(request, "core/home.html", context)
