"""Errors are problem documents, whatever happens and whatever is accepted."""

import io
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from marketplace.accounts.models import User
from marketplace.api.parsers import BoundedJSONParser
from marketplace.api.urls import router
from marketplace.core.errors import TooLarge
from marketplace.learners.models import MetaLearner

API = "/api/v1"


def assert_problem(answer: Any, status: int) -> None:
    """The answer is a problem document with this status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert set(body) <= {"type", "title", "status", "detail", "errors"}
    assert body["type"] == "about:blank" and body["status"] == status
    assert body["title"] and body["detail"]


@pytest.mark.parametrize("path", ["", "nothing/", "jobs", "jobs/x/y/z/", "v2/", "../x"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_an_unknown_address_is_a_404_problem(
    anybody: APIClient, db: None, method: str, path: str
) -> None:
    answer = getattr(anybody, method)(f"/api/unknown/{path}", HTTP_ACCEPT="text/html")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("kind", [name for name, _, _ in router.registry])
@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_a_method_that_a_list_does_not_have_is_405(
    client_of: Callable[..., Any], alice: User, kind: str, method: str
) -> None:
    answer = getattr(client_of(alice), method)(f"{API}/{kind}/")
    assert_problem(answer, 405)
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize("accept", ["text/html", "application/zip", "nonsense", "*/*", ""])
def test_json_comes_whatever_is_accepted(
    client_of: Callable[..., Any], alice: User, accept: str
) -> None:
    client = client_of(alice)
    answer = client.get(f"{API}/jobs/", HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert_problem(client.get(f"{API}/jobs/no-id/", HTTP_ACCEPT=accept), 404)


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


def test_a_bug_is_a_500_problem_without_its_text_and_is_logged(
    client_of: Callable[..., Any],
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def bug(*_: Any) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("marketplace.api.views.jobs.jobs_visible_to", bug)
    answer = client_of(alice).get(f"{API}/jobs/")
    assert_problem(answer, 500)
    assert "secret" not in answer.content.decode()
    assert "the secret inside" in caplog.text


def test_algorithms_and_architectures_are_listed(
    client_of: Callable[..., Any], charlie: User, catalogue: None
) -> None:
    client = client_of(charlie)
    row = client.get(f"{API}/algorithms/").json()["results"][0]
    assert (row["name"], row["title"], row["paper"][:3]) == ("free", "FREE", "Wei")
    assert row["settings"][0] == {
        "name": "outer_steps", "kind": "int", "default": 10, "help": "steps", "low": 1,
        "high": 1000, "choices": None,
    }  # fmt: skip
    assert client.get(f"{API}/algorithms/free/").json() == row
    assert_problem(client.get(f"{API}/algorithms/magic/"), 404)
    names = [row["name"] for row in client.get(f"{API}/architectures/").json()["results"]]
    assert names == ["conv4", "resnet10"]


def test_the_documentation_needs_nothing_from_elsewhere_and_no_inline_script(
    client: Client,
) -> None:
    page = client.get(f"{API}/docs/")
    assert page.status_code == 200
    html = page.content.decode()
    assert "http://" not in html and "https://" not in html
    assert "<style" not in html and "<script>" not in html
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]
    script = client.get(f"{API}/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")
