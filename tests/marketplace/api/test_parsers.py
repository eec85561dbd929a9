"""Bodies are read within bounds."""

import io
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.api.parsers import BoundedJSONParser
from marketplace.core.errors import TooLarge
from marketplace.learners.models import MetaLearner
from tests.marketplace.api.problem import assert_problem

API = "/api/v1"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[1", b'{"a": NaN}', b"\xff\xfe", b"[" * 100_000, b'{"seed": 1' + b"0" * 5000],
    ids=["empty", "open", "list", "nan", "bytes", "deep", "huge number"],
)
def test_malformed_json_is_400(client_of: Callable[..., Any], alice: User, raw: bytes) -> None:
    answer = client_of(alice).generic("POST", f"{API}/jobs/", raw, "application/json")
    assert_problem(answer, 400)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "x/y; charset=no"])
def test_a_body_of_another_kind_is_415(
    client_of: Callable[..., Any], alice: User, content_type: str
) -> None:
    answer = client_of(alice).generic("POST", f"{API}/pools/", b"name=x", content_type)
    assert_problem(answer, 415)


def test_a_body_above_the_limit_is_413(
    client_of: Callable[..., Any], alice: User, settings: Settings
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = client_of(alice).post(f"{API}/pools/", {"name": "x" * 20, "checkpoints": []})
    assert_problem(answer, 413)


def test_a_body_of_unknown_length_is_read_up_to_the_limit_only(settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    stream = io.BytesIO(b'"' + b"x" * 100 + b'"')
    with pytest.raises(TooLarge):
        BoundedJSONParser().parse(stream)
    assert stream.tell() == 11


def test_only_the_pictures_of_an_adaptation_may_be_many_bytes(
    client_of: Callable[..., Any], alice: User, learner: MetaLearner
) -> None:
    client, much = client_of(alice), "x" * 3 * 2**20
    assert_problem(client.post(f"{API}/pools/", {"name": much, "checkpoints": []}), 413)
    said = {"support": [], "query": [], "calibrate": much}
    assert_problem(client.post(f"{API}/learners/{learner.pk}/adaptations/", said), 400)


def test_a_body_of_very_many_small_values_is_413(
    client_of: Callable[..., Any], alice: User, learner: MetaLearner
) -> None:
    body = b'{"support":[' + b"[]," * 60_000 + b"[]]}"
    address = f"{API}/learners/{learner.pk}/adaptations/"
    answer = client_of(alice).generic("POST", address, body, "application/json")
    assert_problem(answer, 413)


@pytest.mark.parametrize("charset", ["zlib", "punycode", "utf-16", "latin-1"])
def test_text_that_is_not_utf_8_is_415(
    client_of: Callable[..., Any], alice: User, charset: str
) -> None:
    """`zlib` would be unpacked to a thousand times its length."""
    packed = zlib.compress(b" " * 2**20)
    kind = f"application/json; charset={charset}"
    assert_problem(client_of(alice).generic("POST", f"{API}/pools/", packed, kind), 415)
