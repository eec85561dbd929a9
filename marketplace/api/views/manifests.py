"""`checkpoints/manifest/`: several models in one request, all or none."""

import io
from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.scopes import Scope
from marketplace.api import examples
from marketplace.api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from marketplace.api.parsers import BoundedJSONParser
from marketplace.api.serializers.manifests import (
    AcceptedManifestSerializer,
    ManifestFormSerializer,
    ManifestSerializer,
)
from marketplace.api.views.base import RowView
from marketplace.checkpoints.manifests import ManifestEntry, checkpoints_from_manifest
from marketplace.checkpoints.models import Checkpoint
from marketplace.uploads.received import MANIFEST_FIELD, check_received


class ManifestView(RowView):
    """Several models in one upload."""

    queryset = Checkpoint.objects.none()
    serializer_class = AcceptedManifestSerializer
    filter_backends = ()
    scopes = {"*": Scope.UPLOAD}
    problems = {"create": ("409", "507")}
    parser_classes = (BoundedJSONParser, MultiPartParser)

    @extend_schema(
        summary="Upload several models",
        request={
            "application/json": ManifestSerializer,
            "multipart/form-data": ManifestFormSerializer,
        },
        responses={201: AcceptedManifestSerializer},
        parameters=[IDEMPOTENCY_KEY],
        examples=[
            examples.answer("Two models", examples.ACCEPTED),
            examples.manifest("Two files that came in pieces", examples.MANIFEST),
        ],
    )
    def create(self, request: Request) -> Response:
        """All entries are checked first. If one is wrong, no model is created, and `errors`
        describes each wrong entry.

        The file of an entry is either an `upload` that was created with `held`, or a `part` of the
        same form.
        """
        files = _files_of(request)
        shape = ManifestSerializer(
            data=_manifest_of(request), context={**self.get_serializer_context(), "files": files}
        )
        shape.is_valid(raise_exception=True)
        entries = shape.entries()
        _check_all_named(entries, files)
        rows = checkpoints_from_manifest(
            owner=self.user, entries=entries, idempotency_key=idempotency_key(request)
        )
        answer = AcceptedManifestSerializer({"models": rows})
        return Response(answer.data, status.HTTP_201_CREATED)


def _files_of(request: Request) -> dict[str, UploadedFile]:
    """Return the files of a form by part name; empty if the body is JSON."""
    request.data  # noqa: B018 - reads the body
    check_received(request._request)
    files = cast(MultiValueDict[str, UploadedFile], request.FILES)
    twice = [name for name, found in files.lists() if len(found) > 1]
    if twice:
        raise ValidationError({name[:100]: ["Name each part once."] for name in twice[:10]})
    return {name: found[0] for name, found in files.lists()}


def _manifest_of(request: Request) -> Any:
    if not isinstance(request.data, QueryDict):
        return request.data
    text = request.data.get(MANIFEST_FIELD)
    if not isinstance(text, str):
        raise ValidationError(
            {MANIFEST_FIELD: ["Send the manifest as text: -F 'manifest=<models.json'."]}
        )
    return BoundedJSONParser().parse(io.BytesIO(text.encode("utf-8", "replace")))


def _check_all_named(entries: list[ManifestEntry], files: dict[str, UploadedFile]) -> None:
    """Reject files that no entry names, which would otherwise be lost silently."""
    if any(entry.wrong for entry in entries):
        return
    named = {id(entry.file) for entry in entries}
    left = [name for name, file in files.items() if id(file) not in named]
    if left:
        raise ValidationError(
            {name[:100]: ["No entry of the manifest names this part."] for name in left[:10]}
        )
