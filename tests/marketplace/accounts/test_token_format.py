"""A token can be told from random text and checked without a database."""

import re
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.accounts.services import token_create, token_use
from marketplace.accounts.token_format import is_well_formed, make_secret


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


def test_what_is_made_is_well_formed_and_never_the_same() -> None:
    made = {make_secret() for _ in range(20)}
    assert len(made) == 20 and all(map(is_well_formed, made))


@pytest.mark.parametrize("position", [3, 20, 42, 43, 50])
def test_one_mistyped_character_is_noticed(position: int) -> None:
    secret = make_secret()
    other = "1" if secret[position] == "0" else "0"
    assert not is_well_formed(secret[:position] + other + secret[position + 1 :])
