"""Idempotency keys: a repeated request returns what the first one created.

A service looks up a key only in the transaction that writes the rows, after locking the owner's
row. The second of two equal concurrent requests then finds what the first one created.
"""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from marketplace.core.errors import Conflict

MAX_KEY_LENGTH = 120
KEYS_LIVE = timedelta(hours=24)
_Row = TypeVar("_Row", bound=Model)


def request_digest(request: Any) -> str:
    """Return a hash that distinguishes a repeated request from a different one."""
    text = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def rows_made_before(same_key: "QuerySet[_Row]", digest: str) -> list[_Row]:
    """Return the rows with a request's key. Raise Conflict if a different request made them."""
    rows = list(same_key.exclude(idempotency_key=""))
    if any(row.request_digest != digest for row in rows):  # type: ignore[attr-defined]
        raise Conflict(
            "This Idempotency-Key was used for another request; send a new key with a new request."
        )
    return rows


def keys_forget(rows: "QuerySet[Any]", now: datetime) -> None:
    """Clear keys older than a day."""
    old = rows.exclude(idempotency_key="").filter(created_at__lt=now - KEYS_LIVE)
    old.update(idempotency_key="", request_digest="")
