"""One line and one count for each request."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from marketplace.core.metrics import REQUESTS
from marketplace.instance.log_format import JsonFormatter

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[..., Any]:
    """What is logged of requests, as JSON objects."""
    caplog.set_level(logging.INFO, logger="freehold.requests")
    caplog.handler.setFormatter(JsonFormatter())
    return lambda: [json.loads(line) for line in caplog.text.splitlines() if '"view"' in line]


def test_a_request_has_one_line_without_path_and_query(
    client: Client, lines: Callable[..., Any]
) -> None:
    client.get("/models/?q=a-secret-word", headers={"authorization": "Bearer nothing"})
    (line,) = lines()
    assert (line["method"], line["view"], line["status"]) == ("GET", "checkpoint_list", 302)
    assert line["duration_ms"] > 0
    assert "secret-word" not in json.dumps(line) and "Bearer" not in json.dumps(line)


def test_the_answer_names_the_id_that_the_line_has(
    client: Client, lines: Callable[..., Any]
) -> None:
    answer = client.get("/healthz")
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"])
    assert lines()[0]["request_id"] == answer["X-Request-ID"]


def test_strangers_cannot_make_up_names_in_the_metrics(client: Client) -> None:
    def count() -> float:
        return REQUESTS.labels("unknown", "other", 404)._value.get()

    before = count()
    client.generic("BREW", "/nowhere/at/all?x=1")
    client.generic("STEEP", "/and/elsewhere")
    assert count() == before + 2
