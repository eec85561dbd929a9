"""Ranges and ETags of stored files."""

from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import RequestFactory

from marketplace import storage
from marketplace.core.file_response import stored_file_response

CONTENT = b"0123456789"


def ask(**headers: Any) -> Any:
    storage.put_stream("probe/file", ContentFile(CONTENT))
    request = RequestFactory().get("/", headers=headers)
    return stored_file_response(
        request, "probe/file", size=len(CONTENT), sha256="abc", filename="file.bin"
    )


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_without_a_range_the_whole_file_comes() -> None:
    response = ask()
    assert response.status_code == 200
    assert response["Content-Length"] == "10"
    assert response["ETag"] == '"abc"'
    assert body(response) == CONTENT


@pytest.mark.parametrize(
    ("asked", "part", "said"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
    ],
)
def test_a_range_brings_its_part(asked: str, part: bytes, said: str) -> None:
    response = ask(Range=asked)
    assert response.status_code == 206
    assert response["Content-Range"] == said
    assert body(response) == part


MANY = "9" * 5000


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        (f"bytes=7-{MANY}", 206, b"789"),
        (f"bytes={'0' * 5000}7-", 206, b"789"),
        (f"bytes=-{MANY}", 200, CONTENT),
        ("bytes=\u0667-", 200, CONTENT),
    ],
)
def test_a_range_may_have_many_digits(asked: str, status: int, part: bytes) -> None:
    response = ask(Range=asked)
    assert (response.status_code, body(response)) == (status, part)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=5-4", "bytes=-0", f"bytes={MANY}-"])
def test_a_range_that_the_file_does_not_have_is_refused(asked: str) -> None:
    response = ask(Range=asked)
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */10"


@pytest.mark.parametrize("asked", ["lines=1-2", "bytes=1-2,4-5", "bytes=-", "rubbish"])
def test_what_is_no_single_range_brings_the_whole_file(asked: str) -> None:
    response = ask(Range=asked)
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_a_client_that_has_the_file_gets_304() -> None:
    assert ask(**{"If-None-Match": '"abc"'}).status_code == 304
    assert ask(**{"If-None-Match": '"other"'}).status_code == 200


def test_a_range_of_an_older_file_brings_the_whole_new_one() -> None:
    assert ask(**{"Range": "bytes=2-4", "If-Range": '"old"'}).status_code == 200
    assert ask(**{"Range": "bytes=2-4", "If-Range": '"abc"'}).status_code == 206
