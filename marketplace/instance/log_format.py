"""Log formats. Only the named fields are written, without secrets, query strings or pictures."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from marketplace.instance.request_id import current_request_id

FIELDS = ("method", "view", "status", "duration_ms", "job", "task")
"""Names that callers may pass with `extra=`: numbers and names, never user input."""

MAX_MESSAGE = 20_000
_SECRETS = (
    # Our tokens in any context, and all other ways to present a secret.
    (re.compile(r"fh_[A-Za-z0-9_-]{6,}"), "fh_…"),
    (re.compile(r"(?i)\b(bearer|basic|token)\s+[A-Za-z0-9+/=._~-]{8,}"), r"\1 …"),
    (re.compile(r"(?i)\b(sessionid|csrftoken|password|secret)=[^\s;,&]+"), r"\1=…"),
    # The password in a URL, and everything after a path's question mark.
    (re.compile(r"(?<=://)([^\s:/@]*):[^\s@]+(?=@)"), r"\1:…"),
    (re.compile(r"(?<=[\w/])\?[\w%.~-]+=[^\s'\"]*"), "?…"),
    # A picture as text.
    (re.compile(r"[A-Za-z0-9+/]{200,}={0,2}"), "(data)"),
)


def redact(text: str) -> str:
    """Replace anything that looks like a secret, a query string or encoded data."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text[:MAX_MESSAGE]


class LineFormatter(logging.Formatter):
    """One line for people."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        """Format the line, with the request's id if there is one."""
        text = redact(super().format(record))
        found = current_request_id()
        return f"{text} [{found}]" if found else text


class JsonFormatter(logging.Formatter):
    """One JSON object per line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            "process": record.process,
        }
        if found := current_request_id():
            entry["request_id"] = found
        entry |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(entry, default=str, ensure_ascii=False)


def logging_config(*, level: str, as_json: bool) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig` that logs to standard error."""
    formatter = JsonFormatter if as_json else LineFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.{formatter.__name__}"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            # Django's lines for “not found” contain the path, which may contain the key of a mail.
            "django.request": {"level": "ERROR"},
            "django.server": {"level": "ERROR"},
            # A person who watches an instance does not want a line for each picture.
            "freehold.requests": {"level": level if as_json else "WARNING"},
        },
    }
