"""Each request has an id, from the proxy or our own."""

import re

import pytest
from django.test import Client

from marketplace.instance.request_id import choose_request_id, current_request_id, forget_request_id

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("given", "kept"), [("proxy-4711-x", True), ("short", False), ("a b\nc forged", False)]
)
def test_an_id_that_the_proxy_gave_is_kept_when_it_is_one(
    client: Client, given: str, kept: bool
) -> None:
    answer = client.get("/healthz", headers={"x-request-id": given})
    assert (answer["X-Request-ID"] == given) is kept


def test_the_id_is_current_from_its_choice_until_it_is_forgotten() -> None:
    assert choose_request_id("proxy-4711-x") == current_request_id() == "proxy-4711-x"
    forget_request_id()
    assert current_request_id() == ""


def test_what_has_no_ids_shape_is_replaced_by_one_of_ours() -> None:
    try:
        for given in ("", "short", "x" * 65, "ümlaut-4711", "two words here"):
            assert re.fullmatch("[0-9a-f]{32}", choose_request_id(given))
    finally:
        forget_request_id()
