"""`checkpoints/`."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.utils.text import slugify
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.scopes import Scope
from marketplace.api import examples
from marketplace.api.filters import CheckpointFilter
from marketplace.api.idempotency import IDEMPOTENCY_KEY, idempotency_key
from marketplace.api.parsers import BoundedJSONParser
from marketplace.api.serializers.checkpoints import (
    CheckpointChangeSerializer,
    CheckpointRowSerializer,
    CheckpointSerializer,
    CheckpointUploadSerializer,
)
from marketplace.api.views.base import RowView
from marketplace.audit.downloads import record_download
from marketplace.audit.states import Act
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_download_checkpoint
from marketplace.checkpoints.selectors import checkpoints_listed_for, checkpoints_visible_to
from marketplace.checkpoints.services import checkpoint_delete, checkpoint_upload
from marketplace.core.errors import Conflict
from marketplace.core.file_response import stored_file_response
from marketplace.uploads.received import check_received

_ONE = examples.answer("A validated model", examples.CHECKPOINT)


class CheckpointView(RowView):
    """Models: your own in every state, other people's once they are valid."""

    queryset = Checkpoint.objects.none()
    serializer_class = CheckpointSerializer
    filterset_class = CheckpointFilter
    problems = {
        "create": ("409", "507"),
        "partial_update": ("409",),
        "destroy": ("409",),
        "download": ("409",),
    }
    scopes = {"create": Scope.UPLOAD}

    def get_queryset(self) -> "QuerySet[Checkpoint]":
        """Load fewer columns for lists."""
        rows = checkpoints_listed_for if self.action == "list" else checkpoints_visible_to
        return rows(self.request.user)

    def get_parsers(self) -> list[Any]:
        """Take uploads as a form and changes as JSON."""
        if self.request is not None and self.request.method == "POST":
            return [MultiPartParser()]
        return [BoundedJSONParser()]

    @extend_schema(
        summary="List models", responses=CheckpointRowSerializer(many=True), examples=[_ONE]
    )
    def list(self, request: Request) -> Response:
        """Newest first. `state` shows the progress of validation."""
        return self.listed(CheckpointRowSerializer)

    @extend_schema(
        summary="Upload a model",
        request={"multipart/form-data": CheckpointUploadSerializer},
        responses={201: CheckpointSerializer},
        parameters=[IDEMPOTENCY_KEY],
        examples=[_ONE],
    )
    def create(self, request: Request) -> Response:
        """The file is streamed to storage, and a worker validates it. Request the model again for
        its `state`."""
        request.data  # noqa: B018 - reads the body
        check_received(request._request)
        shape = self.read(CheckpointUploadSerializer)
        row = checkpoint_upload(
            owner=self.user,
            draft=shape.draft(),
            file=shape.validated_data["file"],
            idempotency_key=idempotency_key(request),
        )
        where = {"Location": request.build_absolute_uri(f"{row.pk}/")}
        return Response(CheckpointSerializer(row).data, status.HTTP_201_CREATED, headers=where)

    @extend_schema(summary="One model", examples=[_ONE])
    def retrieve(self, request: Request, pk: str) -> Response:
        """Includes `state` and, if rejected, the `reason`."""
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Change the description of a model",
        request=CheckpointChangeSerializer,
        responses=CheckpointSerializer,
        examples=[
            _ONE,
            examples.body("Withdraw consent", {"consent_recovery": False}),
            examples.body("Rename the classes", {"class_names": ["robin", "wren", "jay"]}),
        ],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Withdrawn consent stops the jobs that use the model and applies to all later ones.

        A worker checks changes that must match the file: request the model again for its `state`.
        409 if the file is no longer kept, or a job has used the model.
        """
        row = self.get_own()
        values = self.read(CheckpointChangeSerializer).validated_data
        row = checkpoint_change(checkpoint=row, by=self.user, values=values)
        return Response(self.get_serializer(row).data)

    @extend_schema(summary="Delete a model and its file", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """If a job has used the model, that job's lineage keeps its hash, architecture and licence,
        without name and owner. 409 while it is in quarantine."""
        checkpoint_delete(checkpoint=self.get_own())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Download a model as safetensors",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """The validated model, re-serialised by this instance. Supports `ETag` and `Range`."""
        row = self.get_object()
        if not can_download_checkpoint(self.user, row):
            state = "in quarantine" if row.is_quarantined else row.state
            raise Conflict(f"This model is {state}; only a valid one can be downloaded.")
        response = stored_file_response(
            request._request,
            row.stored_key,
            size=row.size_bytes,
            sha256=row.sha256,
            filename=f"{slugify(row.name) or 'model'}.safetensors",
        )
        return record_download(
            response, Act.MODEL_DOWNLOADED, method=request.method, by=self.user, row=row
        )
