"""The header by which a request that was sent twice is done once."""

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from marketplace.api.idempotency import idempotency_key
from marketplace.core.idempotency import MAX_KEY_LENGTH


def request(**headers: str) -> Request:
    return Request(APIRequestFactory().post("/", **headers))


def test_the_key_is_what_the_header_says_without_the_spaces_around_it() -> None:
    assert idempotency_key(request(HTTP_IDEMPOTENCY_KEY=" once ")) == "once"
    assert idempotency_key(request()) == ""


def test_a_key_may_have_so_many_characters_and_one_more_is_refused() -> None:
    assert idempotency_key(request(HTTP_IDEMPOTENCY_KEY="k" * MAX_KEY_LENGTH))
    with pytest.raises(ValidationError) as refused:
        idempotency_key(request(HTTP_IDEMPOTENCY_KEY="k" * (MAX_KEY_LENGTH + 1)))
    assert set(refused.value.detail) == {"Idempotency-Key"}
