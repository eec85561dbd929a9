"""Forms that are too long are refused before they are read."""

import tracemalloc

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.instance.body_limits import FORM, MAX_FORM_BYTES, MAX_FORM_BYTES_OF_STRANGERS

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/tokens/"


def escaped(n_bytes: int) -> bytes:
    """A form that is many times as large while it is parsed."""
    return b"login=" + b"%41" * (n_bytes // 3)


def test_a_strangers_form_of_two_megabytes_takes_no_memory(client: Client) -> None:
    client.post("/accounts/login/", {"login": "a"})
    form = escaped(2 * 2**20)
    tracemalloc.start()
    try:
        answer = client.post("/accounts/login/", form, content_type=FORM)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413 and "at most 32 KiB" in answer.content.decode()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("signed_in", [True, False])
def test_a_form_may_be_as_long_as_it_can_sensibly_be(alice: User, signed_in: bool) -> None:
    client = Client()
    limit = MAX_FORM_BYTES_OF_STRANGERS
    if signed_in:
        client.force_login(alice)
        limit = MAX_FORM_BYTES
    page = "/me/settings/profile/"
    name = b"email="
    fits, not_quite = (name + b"x" * (limit - len(name) + more) for more in (0, 1))
    assert client.post(page, fits, content_type=FORM).status_code != 413
    assert client.post(page, not_quite, content_type=FORM).status_code == 413


def test_the_api_refuses_a_long_form_with_a_problem_document(client: Client) -> None:
    answer = client.post(TOKENS, escaped(2**17), content_type=FORM)
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
    assert answer.json()["detail"]


@pytest.mark.parametrize("charset", ["zlib", "idna", "rot13", "utf-7"])
def test_text_in_an_encoding_that_is_no_text_is_refused(client: Client, charset: str) -> None:
    kind = f"multipart/form-data; boundary=X; charset={charset}"
    body = b'--X\r\nContent-Disposition: form-data; name="login"\r\n\r\nx\r\n--X--\r\n'
    assert client.generic("POST", "/accounts/login/", body, kind).status_code == 415


@pytest.mark.parametrize("charset", ["UTF-8", "utf8", "us-ascii", "no-such-thing"])
def test_text_in_a_charset_that_django_reads_as_utf_8_is_taken(
    client: Client, charset: str
) -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="login"\r\n\r\nx\r\n--X--\r\n'
    kind = f"multipart/form-data; boundary=X; charset={charset}"
    assert client.generic("POST", "/accounts/login/", body, kind).status_code == 200


def test_a_length_that_is_no_number_is_none(client: Client) -> None:
    assert client.post("/accounts/login/", {"login": "a"}, CONTENT_LENGTH="x").status_code != 500
