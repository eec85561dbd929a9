"""`learners/`, with their files and adaptation."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.scopes import Scope
from marketplace.adaptation.services import adaptation_run
from marketplace.api import examples
from marketplace.api.filters import LearnerFilter
from marketplace.api.parsers import PicturesJSONParser
from marketplace.api.serializers.learners import (
    AdaptationSerializer,
    LearnerChangeSerializer,
    LearnerDetailSerializer,
    LearnerSerializer,
    PredictionsSerializer,
)
from marketplace.api.views.base import RowView
from marketplace.audit.downloads import record_download
from marketplace.audit.states import Act
from marketplace.learners.downloads import file_response, zip_response
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import (
    learner_file,
    learners_usable_by,
    learners_visible_to,
)
from marketplace.learners.services import learner_change

# Actions that reveal the weights.
_OF_WEIGHTS = {"download", "files", "adaptations"}
_ONE = examples.answer("A meta-learner", examples.LEARNER)


class LearnerView(RowView):
    """Meta-learners that you may see."""

    queryset = MetaLearner.objects.none()
    serializer_class = LearnerSerializer
    filterset_class = LearnerFilter
    problems = {"adaptations": ("503",)}
    scopes = {"adaptations": Scope.ADAPT}

    def get_queryset(self) -> "QuerySet[MetaLearner]":
        """Require more than visibility for downloads and adaptation."""
        allowed = learners_usable_by if self.action in _OF_WEIGHTS else learners_visible_to
        return allowed(self.request.user)

    @extend_schema(summary="List meta-learners")
    def list(self, request: Request) -> Response:
        """Newest first."""
        return self.listed(LearnerSerializer)

    @extend_schema(summary="One meta-learner", responses=LearnerDetailSerializer, examples=[_ONE])
    def retrieve(self, request: Request, pk: str) -> Response:
        """Includes its card, provenance and files."""
        return Response(self._shown(self.get_object()))

    @extend_schema(
        summary="Rename a meta-learner, or change who may see it",
        request=LearnerChangeSerializer,
        responses=LearnerDetailSerializer,
        examples=[_ONE, examples.body("Share it", {"visibility": "public"})],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Only its owner may."""
        row = self.get_own()
        values = self.read(LearnerChangeSerializer).validated_data
        row = learner_change(learner=row, by=self.user, values=values)
        return Response(self._shown(row))

    @extend_schema(
        summary="Download the learner directory",
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """A zip of all its files."""
        learner = self.get_object()
        response = zip_response(learner)
        return record_download(
            response, Act.LEARNER_DOWNLOADED, method=request.method, by=self.user, row=learner
        )

    @extend_schema(
        summary="Download one file of a meta-learner",
        parameters=[
            OpenApiParameter("path", OpenApiTypes.STR, OpenApiParameter.PATH),
            OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER),
            OpenApiParameter("If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            304: None,
            416: None,
        },
    )
    def files(self, request: Request, pk: str, path: str) -> HttpResponseBase:
        """Supports `ETag`, `Range` and `If-None-Match`."""
        learner = self.get_object()
        entry = learner_file(learner, path)
        if entry is None:
            raise Http404("The meta-learner has no file with that name.")
        response = file_response(request._request, learner, entry)
        return record_download(
            response,
            Act.LEARNER_DOWNLOADED,
            method=request.method,
            by=self.user,
            row=learner,
            file=path,
        )

    @extend_schema(
        summary="Adapt to a few pictures and label others",
        request=AdaptationSerializer,
        responses={200: PredictionsSerializer},
        examples=[
            examples.body("Two classes, one picture each", examples.ADAPTATION_BODY),
            examples.answer("One prediction", examples.PREDICTIONS),
        ],
    )
    @action(detail=True, methods=["post"], parser_classes=[PicturesJSONParser])
    def adaptations(self, request: Request, pk: str) -> Response:
        """Pictures are PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF files as base64. The first frame or
        page of several counts. They are kept only for the length of the request.

        At most two requests of a person can wait at the same time; a third gets 429. 503 means that
        too many people are waiting. Both say in `Retry-After` when to try again.
        """
        learner = self.get_object()
        said = self.read(AdaptationSerializer).validated_data
        return Response(
            adaptation_run(
                user=self.user,
                learner=learner,
                support=said["support"],
                query=said["query"],
                calibrate=said["calibrate"],
                settings_=said["settings"],
            )
        )

    def _shown(self, row: MetaLearner) -> Any:
        return LearnerDetailSerializer(row, context=self.get_serializer_context()).data
