"""A request that is sent again is answered with what it made before."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict
from marketplace.core.idempotency import KEYS_LIVE, keys_forget, request_digest, rows_made_before


def test_equal_requests_have_one_digest_in_whatever_order_they_are_written() -> None:
    assert request_digest({"a": 1, "b": [2]}) == request_digest({"b": [2], "a": 1})
    assert request_digest({"a": 1}) != request_digest({"a": "1"})


def test_a_key_gives_its_rows_to_the_same_request_and_refuses_another(
    make_checkpoint: Callable[..., Any],
) -> None:
    row = make_checkpoint(idempotency_key="k", request_digest="d")
    make_checkpoint("without a key", request_digest="e")
    assert rows_made_before(Checkpoint.objects.all(), "d") == [row]
    assert rows_made_before(Checkpoint.objects.none(), "d") == []
    with pytest.raises(Conflict, match="another request"):
        rows_made_before(Checkpoint.objects.all(), "e")


def test_keys_are_forgotten_when_their_day_is_over(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint(idempotency_key="k", request_digest="d")
    moment = timedelta(seconds=1)
    keys_forget(Checkpoint.objects.all(), row.created_at + KEYS_LIVE)
    assert Checkpoint.objects.get().idempotency_key == "k"
    keys_forget(Checkpoint.objects.all(), timezone.now() + KEYS_LIVE + moment)
    row.refresh_from_db()
    assert (row.idempotency_key, row.request_digest) == ("", "")
