"""`uploads/`: files in pieces, by the tus 1.0.0 protocol (https://tus.io)."""

import base64
import binascii
import io
from typing import Any, NoReturn

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from marketplace.accounts.scopes import Scope
from marketplace.api import examples
from marketplace.api.serializers.checkpoints import UploadBeginSerializer, UploadSerializer
from marketplace.api.views.base import RowView
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.core.errors import DomainError, TooLarge
from marketplace.core.whole_numbers import whole_number
from marketplace.uploads.models import Upload
from marketplace.uploads.selectors import uploads_of
from marketplace.uploads.services import HASHES, upload_append, upload_delete

VERSION = "1.0.0"
PIECE = "application/offset+octet-stream"
EXTENSIONS = "creation,termination,expiration,checksum"


def _header(name: str, about: str, *, required: bool = True, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(
        name, kind, OpenApiParameter.HEADER, required=required, description=about
    )


_RESUMABLE = OpenApiParameter(
    "Tus-Resumable",
    str,
    OpenApiParameter.HEADER,
    required=True,
    enum=[VERSION],
    description="the version of the protocol",
)


class WrongVersion(DomainError):
    """The client uses another version of the protocol."""

    status = 412
    title = "Unknown version of tus"


class UploadView(RowView):
    """Your unfinished uploads."""

    queryset = Upload.objects.none()
    serializer_class = UploadSerializer
    filter_backends = ()
    scopes = {"*": Scope.UPLOAD}
    problems = {
        "create": ("409", "412", "507"),
        "partial_update": ("400", "409", "412", "413", "415", "423", "460", "507"),
        "destroy": ("409", "412"),
    }

    def get_queryset(self) -> "QuerySet[Upload]":
        return uploads_of(self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate first, then check the version of the protocol."""
        super().initial(request, *args, **kwargs)
        speaks = request.headers.get("Tus-Resumable", "" if request.method != "GET" else VERSION)
        if request.method != "OPTIONS" and speaks != VERSION:
            raise WrongVersion(f"Send “Tus-Resumable: {VERSION}”; no other version is supported.")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response["Tus-Resumable"] = VERSION
        if response.status_code == WrongVersion.status:
            response["Tus-Version"] = VERSION
        return super().finalize_response(request, response, *args, **kwargs)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Max-Size": str(settings.MAX_CHECKPOINT_BYTES),
            "Tus-Checksum-Algorithm": ",".join(HASHES),
        }
        return Response(status=status.HTTP_204_NO_CONTENT, headers=headers)

    @extend_schema(
        summary="Begin an upload in pieces",
        request=UploadBeginSerializer,
        responses={201: None},
        parameters=[
            _RESUMABLE,
            _header("Upload-Length", "size of the whole file in bytes", kind=int),
            _header(
                "Upload-Metadata",
                "the fields of the body, each in base64, for clients that send no body",
                required=False,
            ),
        ],
    )
    def create(self, request: Request) -> Response:
        """`Location` is the URL for the pieces. Sharing, quota and all fields are checked now."""
        if "Upload-Concat" in request.headers:
            # A client that sends parts of a file in parallel would get a model of each.
            _refuse("Upload-Concat", "Concatenating parts of a file is not supported.")
        metadata = request.headers.get("Upload-Metadata", "")
        said = _parse_metadata(metadata) if metadata else request.data
        shape = UploadBeginSerializer(data=said, context=self.get_serializer_context())
        shape.is_valid(raise_exception=True)
        upload = checkpoint_upload_begin(
            owner=self.user,
            draft=shape.draft_unless_held(),
            length=_number(request, "Upload-Length"),
            file_name=shape.validated_data["file_name"],
            sha256=shape.validated_data["sha256"],
            metadata=metadata,
        )
        where = request.build_absolute_uri(reverse("api-upload", args=[upload.pk]))
        headers = {"Location": where, **_state(upload)}
        return Response(status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(
        summary="Progress of an upload",
        responses=UploadSerializer,
        examples=[examples.answer("Half of it has arrived", examples.UPLOAD)],
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """`HEAD` returns `Upload-Offset`, where the next piece begins."""
        upload = self.get_object()
        headers = {**_state(upload), "Cache-Control": "no-store"}
        if upload.metadata:
            headers["Upload-Metadata"] = upload.metadata
        return Response(UploadSerializer(upload).data, headers=headers)

    @extend_schema(
        summary="Send the next piece",
        request={PIECE: OpenApiTypes.BINARY},
        responses={204: None},
        parameters=[
            _RESUMABLE,
            _header("Upload-Offset", "how many bytes were sent before", kind=int),
            _header(
                "Upload-Checksum",
                "algorithm (sha1 or sha256) and hash of this piece in base64",
                required=False,
            ),
        ],
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Bytes that have arrived are kept if the connection breaks. The last piece creates the
        model."""
        upload = self.get_object()
        if request.content_type.split(";")[0].strip() != PIECE:
            raise UnsupportedMediaType(request.content_type)
        offset = _number(request, "Upload-Offset")
        if offset + _number(request, "Content-Length") > upload.length:
            raise TooLarge(f"This piece exceeds the announced length of {upload.length} bytes.")
        upload_append(
            upload=upload,
            offset=offset,
            stream=request.stream or io.BytesIO(),
            checksum=_checksum(request),
        )
        return Response(status=status.HTTP_204_NO_CONTENT, headers=_state(upload))

    @extend_schema(summary="Cancel an upload", responses={204: None}, parameters=[_RESUMABLE])
    def destroy(self, request: Request, pk: str) -> Response:
        """Deletes the bytes that have arrived."""
        upload_delete(upload=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _state(upload: Upload) -> dict[str, str]:
    return {
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Expires": upload.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }


def _number(request: Request, name: str) -> int:
    number = whole_number(request.headers.get(name, ""))
    if number is None:
        _refuse(name, f"Send “{name}” with a number of bytes.")
    return number


def _parse_metadata(text: str) -> dict[str, str]:
    """Parse `name bW9kZWw=,licence bWl0` into `{"name": "model", "licence": "mit"}`."""
    said = {}
    for pair in text.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            said[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            _refuse("Upload-Metadata", f"The value of “{key[:60]}” is not text in base64.")
    said.setdefault("name", said.get("filename", ""))
    said.setdefault("file_name", said.get("filename", ""))
    return said


def _checksum(request: Request) -> tuple[str, bytes] | None:
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in HASHES or not digest:
        _refuse("Upload-Checksum", f"Send one of {', '.join(HASHES)}, a space and the hash.")
    return algorithm, digest


def _refuse(header: str, sentence: str) -> NoReturn:
    raise DomainError(sentence, fields={header: sentence})
