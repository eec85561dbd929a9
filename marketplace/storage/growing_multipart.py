"""A growing file in an object store: a multipart upload (see `growing_file`)."""

from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from marketplace import storage
from marketplace.storage.errors import BytesLost
from marketplace.storage.objects import client, full_key, store_errors

_MIN_PART_BYTES = 8 * 2**20
_MAX_PARTS = 9_000


def begin(pk: UUID) -> str:
    """Begin an upload and return the store's name of it."""
    with store_errors():
        answer = client().create_multipart_upload(Bucket=settings.S3_BUCKET, Key=_key(pk))
    name: str = answer["UploadId"]
    return name


def finish(pk: UUID, name: str, *, length: int) -> None:
    """Join the parts into one object. Idempotent."""
    with store_errors():
        try:
            _complete(pk, name, length)
        except (ClientError, BytesLost):
            # An earlier call may have completed it, and only its response was lost.
            if not (_stored_bytes(pk) == length):
                raise
        _remove_tails(pk)


def discard(pk: UUID, name: str) -> None:
    with store_errors():
        if name:
            _abort(pk, name)
        _remove_tails(pk)


class MultipartFile:
    """Parts of equal size, numbered by position. A part that is sent again replaces its copy."""

    def __init__(self, pk: UUID, name: str, *, offset: int, length: int) -> None:
        self._pk, self._name = pk, name
        self._part_bytes = _part_bytes(length)
        self._done, rest = divmod(offset, self._part_bytes)
        self._buffer = bytearray()
        if rest:
            with store_errors():
                self._buffer += _tail(pk, self._done + 1, rest)

    def write(self, data: bytes) -> None:
        """Append the bytes. Every full part is sent at once."""
        self._buffer += data
        while len(self._buffer) >= self._part_bytes:
            with store_errors():
                part = bytes(self._buffer[: self._part_bytes])
                _upload_part(self._pk, self._name, self._done + 1, part)
            del self._buffer[: self._part_bytes]
            self._done += 1

    def sync(self) -> None:
        """Save the incomplete part."""
        if self._buffer:
            with store_errors():
                tail = ContentFile(bytes(self._buffer))
                default_storage.save(_tail_key(self._pk, self._done + 1), tail)

    def close(self) -> None:
        self._buffer.clear()


def _key(pk: UUID) -> str:
    return full_key(storage.incoming_key(pk))


def _part_bytes(length: int) -> int:
    """Return a part size with which the file has fewer parts than a store allows."""
    return max(_MIN_PART_BYTES, -(-length // _MAX_PARTS))


def _tail_key(pk: UUID, number: int) -> str:
    return f"incoming-tails/{pk}/{number}"


def _tail(pk: UUID, number: int, length: int) -> bytes:
    try:
        with default_storage.open(_tail_key(pk, number)) as file:
            data: bytes = file.read(length)
    except FileNotFoundError:
        data = b""
    if len(data) < length:
        raise BytesLost(f"upload {pk} has lost bytes")
    return data


def _stored_bytes(pk: UUID) -> int | None:
    key = storage.incoming_key(pk)
    return default_storage.size(key) if default_storage.exists(key) else None


def _remove_tails(pk: UUID) -> None:
    folder = f"incoming-tails/{pk}"
    for name in storage.names_in(folder):
        storage.remove(f"{folder}/{name}")


def _complete(pk: UUID, name: str, length: int) -> None:
    n_full, rest = divmod(length, _part_bytes(length))
    if rest:
        _upload_part(pk, name, n_full + 1, _tail(pk, n_full + 1, rest))
    parts = _parts(pk, name)
    if sum(part["Size"] for part in parts) != length:
        raise BytesLost(f"upload {pk} has lost parts")
    client().complete_multipart_upload(
        Bucket=settings.S3_BUCKET,
        Key=_key(pk),
        UploadId=name,
        MultipartUpload={
            "Parts": [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        },
    )


def _parts(pk: UUID, name: str) -> list[dict[str, Any]]:
    pages = client().get_paginator("list_parts")
    found = pages.paginate(Bucket=settings.S3_BUCKET, Key=_key(pk), UploadId=name)
    return [part for page in found for part in page.get("Parts", [])]


def _upload_part(pk: UUID, name: str, number: int, data: bytes) -> None:
    client().upload_part(
        Bucket=settings.S3_BUCKET, Key=_key(pk), UploadId=name, PartNumber=number, Body=data
    )


def _abort(pk: UUID, name: str) -> None:
    try:
        client().abort_multipart_upload(Bucket=settings.S3_BUCKET, Key=_key(pk), UploadId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"NoSuchUpload", "404"}:
            raise
