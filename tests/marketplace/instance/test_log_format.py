"""Log lines: one object a line, and nothing in it that must not be there."""

import base64
import json
import logging
import os
import sys
from typing import Any

import pytest

from marketplace.accounts.token_format import make_secret
from marketplace.instance.log_format import JsonFormatter, LineFormatter, redact
from marketplace.instance.request_id import choose_request_id, forget_request_id


def record(message: str, *arguments: Any, **extra: Any) -> Any:
    """A log record, as `log.info(message, *arguments, extra=extra)` makes it."""
    return logging.getLogger("x").makeRecord(
        "x", logging.INFO, "file.py", 1, message, arguments, None, extra=extra
    )


def test_a_line_is_one_json_object_with_the_requests_id() -> None:
    choose_request_id("abcdefgh-1")
    try:
        entry = json.loads(JsonFormatter().format(record("job %s\nhas ended", 7, job="7")))
    finally:
        forget_request_id()
    assert entry["message"] == "job 7\nhas ended"
    assert (entry["level"], entry["request_id"], entry["job"]) == ("INFO", "abcdefgh-1", "7")


def test_what_is_not_named_is_not_written() -> None:
    line = JsonFormatter().format(record("hello", request="<the whole request>", body=b"secret"))
    assert "request" not in json.loads(line) and "secret" not in line


PICTURE = base64.b64encode(os.urandom(600)).decode()


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(make_secret(), id="a token made now"),
        "Authorization: Bearer abcdefghijkl",
        "postgres://freehold:abcdefghijkl@db/freehold",
        "redis://:abcdefghijkl@cache:6379/0",
        "Not found: /models/?q=abcdefghijkl&page=2",
        "sessionid=abcdefghijkl; path=/",
        f'{{"image": "{PICTURE}"}}',
    ],
)
@pytest.mark.parametrize("formatter", [JsonFormatter(), LineFormatter()])
def test_no_secret_query_or_picture_is_written(
    secret: str, formatter: JsonFormatter | LineFormatter
) -> None:
    hidden = secret[-40:] if secret.startswith("fh_") else "abcdefghijkl"
    line = formatter.format(record("it said: %s", secret))
    assert hidden not in line and PICTURE[:50] not in line


def test_an_exceptions_words_are_cleaned_as_well() -> None:
    try:
        raise ValueError(f"token {make_secret()} is wrong")
    except ValueError:
        entry = record("failed")
        entry.exc_info = sys.exc_info()
    for formatter in (JsonFormatter(), LineFormatter()):
        line = formatter.format(entry)
        assert "ValueError" in line and "fh_…" in line


def test_ordinary_sentences_stay_as_they_are() -> None:
    text = "job 4c1f9d3e-1b7a-4c9f-9f3e-0d2b6a1c5e77 goes on after step 20; is that right? Yes."
    assert redact(text) == text
