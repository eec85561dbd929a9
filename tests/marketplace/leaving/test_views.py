"""The page from which people take their data."""

import io
import zipfile
from typing import Any

from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User

PAGE = reverse("account_export")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def confirm(client: Client, **more: Any) -> Any:
    return client.post(reverse("account_reauthenticate"), {"password": "pw"}, **more)


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_settings_lead_to_it_and_it_says_what_one_gets(alice: User) -> None:
    client = signed_in(alice)
    assert PAGE in client.get(reverse("account_settings")).content.decode()
    assert "SHA-256" in client.get(PAGE).content.decode()


def test_the_password_is_asked_for_first_and_then_the_zip_comes(alice: User) -> None:
    client = signed_in(alice)
    asked: Any = client.post(PAGE)
    assert asked.status_code == 302 and asked.url.startswith(reverse("account_reauthenticate"))
    answer = client.post(asked.url, {"password": "pw", "next": PAGE})
    assert answer.headers["Content-Type"] == "application/zip"
    assert "no-store" in answer.headers["Cache-Control"]
    assert "alice" not in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(body_of(answer))) as archive:
        assert "account.json" in archive.namelist()


def test_a_password_that_was_just_confirmed_is_not_asked_for_again(alice: User) -> None:
    client = signed_in(alice)
    confirm(client)
    assert body_of(client.post(PAGE)).startswith(b"PK")


def test_too_many_are_refused_on_a_page(alice: User) -> None:
    client = signed_in(alice)
    confirm(client)
    for _ in range(5):
        client.post(PAGE)
    answer = client.post(PAGE)
    assert answer.status_code == 429 and "Retry-After" in answer.headers
    assert "within the hour" in answer.content.decode()
