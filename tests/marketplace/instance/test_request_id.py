"""Each request has an id, from the proxy or our own."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("given", "kept"), [("proxy-4711-x", True), ("short", False), ("a b\nc forged", False)]
)
def test_an_id_that_the_proxy_gave_is_kept_when_it_is_one(
    client: Client, given: str, kept: bool
) -> None:
    answer = client.get("/healthz", headers={"x-request-id": given})
    assert (answer["X-Request-ID"] == given) is kept
