"""A token can be told from random text and checked without a database."""

import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.accounts.services import (
    token_create,
    token_use,
)


def test_a_token_can_be_recognised_and_checked_without_asking_us(alice: User) -> None:
    row, secret = token_create(user=alice, name="laptop")
    match = re.fullmatch(r"fh_([A-Za-z0-9_-]{40})([0-9a-f]{8})", secret)
    assert match
    assert int(match[2], 16) == zlib.crc32(match[1].encode())
    assert secret.startswith(row.prefix) and len(row.prefix) < 12


@pytest.mark.parametrize(
    "secret", ["", "fh_", "x" * 51, "fh_" + "a" * 48, "gh_" + "a" * 48, "fh_" + "ä" * 48]
)
def test_what_cannot_be_a_token_is_not_looked_up(
    db: None, django_assert_num_queries: Callable[..., Any], secret: str
) -> None:
    with django_assert_num_queries(0):
        assert token_use(secret=secret) is None
