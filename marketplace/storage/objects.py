"""Calls to the object store that Django's storage interface lacks. It needs boto3."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage

_NOT_FOUND = {"NoSuchKey", "404"}
_PAST_THE_END = {"InvalidRange", "416"}


def client() -> Any:
    """Return boto3's client of the storage."""
    store: Any = default_storage
    return store.connection.meta.client


def full_key(key: str) -> str:
    """Return the key below the storage's own prefix."""
    store: Any = default_storage
    return "/".join(filter(None, [store.location.strip("/"), key]))


@contextmanager
def store_errors() -> Iterator[None]:
    """Convert the object store's errors to OSError, as for a disk."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_FOUND:
            raise FileNotFoundError(f"the object store lacks the object: {error}") from error
        raise OSError(f"the object store failed: {error}") from error
    except BotoCoreError as error:
        raise OSError(f"the object store failed: {error}") from error


def object_chunks(key: str, *, first: int, n_bytes: int | None, size: int) -> Iterator[bytes]:
    """Yield the object's bytes in chunks of `size`, as they arrive. Past its end there are none."""
    if n_bytes == 0:
        return
    last = "" if n_bytes is None else str(first + n_bytes - 1)
    with store_errors():
        try:
            answer = client().get_object(
                Bucket=settings.S3_BUCKET, Key=full_key(key), Range=f"bytes={first}-{last}"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _PAST_THE_END:
                return
            raise
        with closing(answer["Body"]) as body:
            yield from body.iter_chunks(size)


def download(key: str, target: Path) -> None:
    """Copy the object to a local path, in parts that are tried again after an error."""
    with store_errors():
        client().download_file(settings.S3_BUCKET, full_key(key), str(target))
