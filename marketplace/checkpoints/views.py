"""Pages of the model catalogue."""

import json
from http import HTTPStatus
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contract.limits import MAX_CLASS_NAME
from marketplace.accounts.models import User
from marketplace.accounts.requests import PersonRequest
from marketplace.accounts.selectors import get_or_404
from marketplace.audit.downloads import record_download
from marketplace.audit.states import Act
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.checkpoints.change_forms import EditForm, FixForm
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.checked import MAX_PICTURES
from marketplace.checkpoints.class_list import MOST_INLINE, PER_PAGE, SHOWN, classes_matching
from marketplace.checkpoints.forms import CheckpointFilterForm, UploadForm, initial_like
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import (
    can_download_checkpoint,
    can_edit_checkpoint,
    can_pool_checkpoint,
)
from marketplace.checkpoints.reading import licence_called, read_as, what_was_filled
from marketplace.checkpoints.search import checkpoints_search
from marketplace.checkpoints.selectors import (
    checkpoint_last_of,
    checkpoints_editable_by,
    checkpoints_visible_to,
)
from marketplace.checkpoints.services import checkpoint_delete, checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import DomainError
from marketplace.core.file_response import stored_file_response
from marketplace.core.forms import show_refusal
from marketplace.core.paging import page_of
from marketplace.core.pictures import side_to_send
from marketplace.core.whole_numbers import whole_number
from marketplace.uploads.received import check_received


@require_safe
@login_required
def checkpoint_list(request: PersonRequest) -> HttpResponse:
    form = CheckpointFilterForm(request.GET, user=request.user)
    filters = form.filters()
    page = page_of(request, checkpoints_search(request.user, filters))
    narrowed = any(value for name, value in filters.items() if name != "sort")
    return render(
        request,
        "checkpoints/list.html",
        {"form": form, "page": page, "narrowed": narrowed},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def checkpoint_upload_page(request: PersonRequest) -> HttpResponse:
    """Upload a model. A script asks for JSON and shows progress; without it, this is a form."""
    if request.method != "POST":
        liked = _liked(request)
        form = UploadForm(user=request.user, initial=initial_like(liked) if liked else {})
        return _show_upload(request, form, liked=liked)
    if "Upload-Length" in request.headers:
        return _begin_in_pieces(request)
    form = UploadForm(request.POST, request.FILES, user=request.user)
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        check_received(request)
        row = _upload(request.user, form) if form.is_valid() else None
    except DomainError as error:
        # The file was discarded, and the form would report it as missing.
        form.fields["file"].required = False
        show_refusal(form, error)
        row = None
    if row is not None:
        url = reverse("checkpoint_detail", args=[row.pk])
        return JsonResponse({"url": url}, status=201) if wants_json else redirect(url)
    if wants_json:
        return JsonResponse({"errors": form.errors}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return _show_upload(request, form, HTTPStatus.UNPROCESSABLE_ENTITY)


def _upload(user: User, form: UploadForm) -> Checkpoint:
    file = cast(UploadedFile, form.cleaned_data["file"])
    return checkpoint_upload(owner=user, draft=form.draft(), file=file)


def _liked(request: PersonRequest) -> Checkpoint | None:
    """Return the user's own model that `?like=` names."""
    pk = request.GET.get("like")
    return get_or_404(checkpoints_editable_by(request.user), pk) if pk else None


def _show_upload(
    request: PersonRequest,
    form: UploadForm,
    status: int = HTTPStatus.OK,
    *,
    liked: Checkpoint | None = None,
) -> HttpResponse:
    last = checkpoint_last_of(request.user)
    said = json.dumps(initial_like(last)) if last else ""
    context = {"form": form, "last": last, "last_said": said, "liked": liked}
    return render(request, "checkpoints/upload.html", context, status=status)


def _begin_in_pieces(request: PersonRequest) -> JsonResponse:
    """Check the form without its file, and return the URL to which the script sends the pieces."""
    form = UploadForm(request.POST, user=request.user)
    del form.fields["file"]
    if form.is_valid():
        try:
            upload = checkpoint_upload_begin(
                owner=request.user,
                draft=form.draft(),
                length=whole_number(request.headers["Upload-Length"]) or 0,
                file_name=request.POST.get("file_name", ""),
            )
        except DomainError as error:
            show_refusal(form, error)
        else:
            places = {
                "upload": reverse("api-upload", args=[upload.pk]),
                "url": reverse("checkpoint_detail", args=[upload.pk]),
            }
            return JsonResponse(places, status=HTTPStatus.CREATED)
    return JsonResponse({"errors": form.errors}, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_safe
@login_required
def checkpoint_detail(request: PersonRequest, pk: str) -> HttpResponse:
    checkpoint = get_or_404(checkpoints_visible_to(request.user), pk)
    return _show(request, checkpoint, FixForm(checkpoint=checkpoint))


def _show(
    request: PersonRequest, checkpoint: Checkpoint, form: FixForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    can_edit = can_edit_checkpoint(request.user, checkpoint)
    context = {
        "checkpoint": checkpoint,
        "read_as": read_as(checkpoint),
        "first_classes": checkpoint.class_names[:SHOWN],
        "filled": what_was_filled(checkpoint),
        "licence_called": licence_called(checkpoint),
        "can_edit": can_edit,
        "can_pool": can_pool_checkpoint(request.user, checkpoint),
        "can_download": can_download_checkpoint(request.user, checkpoint),
        "check": _check(checkpoint),
        "form": form,
        "can_fix": can_edit and not form.locked.fields and not checkpoint.is_quarantined,
    }
    return render(request, "checkpoints/detail.html", context, status=status)


def _check(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "maxPictures": MAX_PICTURES,
        "maxPerClass": MAX_PICTURES,
        "maxLabelLength": MAX_CLASS_NAME,
        "side": side_to_send(checkpoint.image_size),
        "classNames": checkpoint.class_names if len(checkpoint.class_names) <= MOST_INLINE else [],
        "classNamesUrl": reverse("checkpoint_class_names", args=[checkpoint.pk]),
    }


@require_safe
@login_required
def checkpoint_class_names(request: PersonRequest, pk: str) -> JsonResponse:
    checkpoint = get_or_404(checkpoints_visible_to(request.user), pk)
    return JsonResponse(checkpoint.class_names, safe=False)


@require_safe
@login_required
def checkpoint_classes(request: PersonRequest, pk: str) -> HttpResponse:
    checkpoint = get_or_404(checkpoints_visible_to(request.user), pk)
    text = request.GET.get("text", "")[:200]
    pages = Paginator(classes_matching(checkpoint.class_names, text), PER_PAGE)
    page = pages.get_page(request.GET.get("page"))
    context = {"checkpoint": checkpoint, "text": text, "page": page}
    return render(request, "checkpoints/classes.html", context)


@require_POST
@login_required
def checkpoint_fix(request: PersonRequest, pk: str) -> HttpResponse:
    """Have the file read differently: with other class names, as another architecture, …."""
    checkpoint = get_or_404(checkpoints_editable_by(request.user), pk)
    form = FixForm(request.POST, checkpoint=checkpoint)
    if form.is_valid():
        try:
            checkpoint_change(checkpoint=checkpoint, by=request.user, values=form.changes())
        except DomainError as error:
            show_refusal(form, error)
        else:
            return redirect("checkpoint_detail", pk=checkpoint.pk)
    return _show(request, checkpoint, form, HTTPStatus.UNPROCESSABLE_ENTITY)


@require_safe
@never_cache
@login_required
def checkpoint_status(request: PersonRequest, pk: str) -> JsonResponse:
    checkpoint = get_or_404(checkpoints_visible_to(request.user), pk)
    refused = checkpoint.state == CheckpointState.REJECTED
    reason = checkpoint.reason if refused else ""
    return JsonResponse({"state": checkpoint.state, "final": checkpoint.is_final, "reason": reason})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def checkpoint_edit(request: PersonRequest, pk: str) -> HttpResponse:
    checkpoint = get_or_404(checkpoints_editable_by(request.user), pk)
    form = EditForm(request.POST or None, checkpoint=checkpoint, user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            checkpoint_change(checkpoint=checkpoint, by=request.user, values=form.values())
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(
                request,
                "Saved." if checkpoint.is_final else "A worker checks the change; see below.",
            )
            return redirect("checkpoint_detail", pk=checkpoint.pk)
    return render(request, "checkpoints/edit.html", {"form": form, "checkpoint": checkpoint})


@require_POST
@login_required
def checkpoint_remove(request: PersonRequest, pk: str) -> HttpResponse:
    checkpoint = get_or_404(checkpoints_editable_by(request.user), pk)
    name = checkpoint.name
    checkpoint_delete(checkpoint=checkpoint)
    messages.success(request, f"“{name}” is deleted.")
    return redirect("checkpoint_list")


@require_safe
@login_required
def checkpoint_download(request: PersonRequest, pk: str) -> HttpResponseBase:
    checkpoint = get_or_404(checkpoints_visible_to(request.user), pk)
    if not can_download_checkpoint(request.user, checkpoint):
        raise Http404("There is no file yet.")
    response = stored_file_response(
        request,
        checkpoint.stored_key,
        size=checkpoint.size_bytes,
        sha256=checkpoint.sha256,
        filename=_filename(checkpoint),
    )
    return record_download(
        response, Act.MODEL_DOWNLOADED, method=request.method, by=request.user, row=checkpoint
    )


def _filename(checkpoint: Checkpoint) -> str:
    return f"{slugify(checkpoint.name) or checkpoint.pk}.safetensors"
