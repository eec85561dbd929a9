"""The adaptation page. Its script gets predictions from the REST API."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from contract.limits import MAX_CLASS_NAME, MAX_QUERIES, MAX_SHOT, MAX_WAY, MIN_WAY
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import get_or_404
from marketplace.adaptation.calibration import CALIBRATIONS
from marketplace.adaptation.offline import offline_parts
from marketplace.core.pictures import side_to_send
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import learner_file, learners_usable_by

_RUNTIME = {
    "runtime": "vendor/onnxruntime-web/ort.wasm.bundle.min.mjs",
    "wasm": "vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm",
}
_TOO_OLD = "This meta-learner was made before in-browser adaptation existed."


@require_safe
@ensure_csrf_cookie
@login_required
def adaptation_page(request: PersonRequest, pk: str) -> HttpResponse:
    learner = get_or_404(learners_usable_by(request.user), pk)
    context = {
        **_workbench(learner),
        "adaptations_url": f"/api/v1/learners/{learner.pk}/adaptations/",
        **_browser(learner),
    }
    return render(request, "adaptation/page.html", context)


@require_safe
@login_required
def offline_frame(request: PersonRequest, pk: str) -> HttpResponse:
    """Return the frame of the single-file page as text for the page's script."""
    learner = get_or_404(learners_usable_by(request.user), pk)
    context = {
        **_workbench(learner),
        "offline": True,
        "version": settings.VERSION,
        **offline_parts(settings.BASE_DIR / "static"),
    }
    page = render_to_string("adaptation/offline.html", context)
    inside = page.replace(static("img/icons.svg") + "#", "#")
    return HttpResponse(inside, content_type="text/plain; charset=utf-8")


def _workbench(learner: MetaLearner) -> dict[str, Any]:
    limits = {
        "minClasses": MIN_WAY,
        "maxClasses": MAX_WAY,
        "maxPerClass": MAX_SHOT,
        "maxQueries": MAX_QUERIES,
        "maxLabelLength": MAX_CLASS_NAME,
    }
    return {
        "learner": learner,
        "limits": limits,
        "image_side": _image_side(learner),
        "calibrations": CALIBRATIONS,
    }


def _browser(learner: MetaLearner) -> dict[str, Any]:
    """Return the URLs that in-browser adaptation needs, or None and the reason."""
    if learner_file(learner, "browser/browser.json") is None:
        return {"browser": None, "browser_reason": _TOO_OLD}
    addresses = {
        "description": reverse("learner_file", args=[learner.pk, "browser/browser.json"]),
        "offline": reverse("learner_offline_frame", args=[learner.pk]),
        "worker": static("js/device/worker.js"),
        **{name: static(path) for name, path in _RUNTIME.items()},
    }
    return {"browser": addresses, "browser_reason": ""}


def _image_side(learner: MetaLearner) -> int:
    architecture = learner.config.get("architecture")
    seen = architecture.get("image_size", 0) if isinstance(architecture, dict) else 0
    return side_to_send(seen)
