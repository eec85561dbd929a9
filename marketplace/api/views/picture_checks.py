"""`checkpoints/{id}/check/`."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.adaptation.checking import check_run
from marketplace.api import examples
from marketplace.api.parsers import PicturesJSONParser
from marketplace.api.picture_forms import PicturesHandler
from marketplace.api.serializers.picture_checks import (
    PictureCheckAnswerSerializer,
    PictureCheckFormSerializer,
    PictureCheckSerializer,
)
from marketplace.api.views.base import RowView
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_visible_to


class PictureCheckView(RowView):
    """Models that you may see."""

    queryset = Checkpoint.objects.none()
    serializer_class = PictureCheckAnswerSerializer
    parser_classes = (PicturesJSONParser, MultiPartParser)
    filter_backends = ()
    problems = {"create": ("409", "503")}

    def get_queryset(self) -> "QuerySet[Checkpoint]":
        return checkpoints_visible_to(self.request.user)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Choose the upload handler before the form is read."""
        request.upload_handlers = [PicturesHandler(request)]
        return super().initialize_request(request, *args, **kwargs)

    @extend_schema(
        summary="Check a model with pictures",
        request={
            "application/json": PictureCheckSerializer,
            "multipart/form-data": PictureCheckFormSerializer,
        },
        responses={200: PictureCheckAnswerSerializer},
        examples=[
            examples.body("Two pictures", examples.CHECK_BODY),
            examples.answer("One of two is right", examples.CHECK),
        ],
    )
    def create(self, request: Request, pk: str) -> Response:
        """A worker labels the pictures with the model as it is read now. Pictures are PNG, JPEG,
        WebP, GIF, BMP, TIFF or AVIF files, and are kept only for the length of the request.

        Anyone who may download a model may check it. `checked` of the model is its owner's last
        check, until the model is read differently. 429 and 503 are as for adaptations.
        """
        row = self.get_object()
        pictures = self.read(PictureCheckSerializer).validated_data["pictures"]
        return Response(check_run(user=self.user, checkpoint=row, pictures=pictures))
