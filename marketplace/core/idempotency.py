"""Idempotency keys: a request that is sent again is answered with what it made before.

A service asks about a key in one place: in the transaction that writes the rows, once it has
locked their owner's row. Of two equal requests at once the second then finds what the first made.
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
    """By which a request that is sent again is told from another one."""
    text = json.dumps(request, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def rows_made_before(same_key: "QuerySet[_Row]", digest: str) -> list[_Row]:
    """The rows with a request's key; Conflict when another request made them."""
    rows = list(same_key.exclude(idempotency_key=""))
    if any(row.request_digest != digest for row in rows):  # type: ignore[attr-defined]
        raise Conflict(
            "This Idempotency-Key was used for another request; send a new key with a new request."
        )
    return rows


def keys_forget(rows: "QuerySet[Any]", now: datetime) -> None:
    """Forget the keys that are older than a day."""
    old = rows.exclude(idempotency_key="").filter(created_at__lt=now - KEYS_LIVE)
    old.update(idempotency_key="", request_digest="")
