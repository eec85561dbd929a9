"""Forgotten passwords and changed addresses."""

import re
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.audit.models import Record

RESET = "/accounts/password/reset/"


@pytest.fixture
def alice(alice: User) -> User:
    """With an address."""
    alice.email = "alice@example.org"
    alice.save()
    return alice


@pytest.fixture
def server(settings: Settings) -> None:
    """A mail server."""
    settings.MAIL_WORKS = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def changes() -> int:
    """How many changes of an address are recorded."""
    return Record.objects.filter(act="person.email_changed").count()


def test_without_a_mail_server_no_link_is_printed_and_the_page_names_the_way_out(
    client: Client,
    alice: User,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    pages = [client.get(RESET), client.post(RESET, {"email": alice.email}, follow=True)]
    for page in pages:
        assert "manage.py changepassword" in page.content.decode()
    printed = capsys.readouterr()
    assert "/reset/key/" not in printed.out + printed.err + caplog.text


def test_with_a_mail_server_the_link_sets_another_password(
    client: Client, alice: User, server: None
) -> None:
    page = client.post(RESET, {"email": alice.email}, follow=True, HTTP_HOST="localhost")
    assert "Check your mail" in page.content.decode()
    (link,) = re.findall(r"http://\S+", str(mail.outbox[0].body))
    assert link.startswith("http://127.0.0.1:8000/accounts/password/reset/key/")
    where = client.get(link.removeprefix("http://127.0.0.1:8000")).headers["Location"]
    assert "Set the password" in client.get(where).content.decode()
    new = {"password1": "another long word", "password2": "another long word"}
    assert client.post(where, new).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("another long word")
    used_up = client.get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    assert "This link no longer works" in used_up.content.decode()
    assert Record.objects.filter(act="person.password_changed").count() == 1


def test_a_mail_server_that_is_away_is_not_told_to_who_asks(
    client: Client,
    alice: User,
    server: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(*_: Any) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    page = client.post(RESET, {"email": alice.email}, follow=True)
    assert page.status_code == 200 and "Check your mail" in page.content.decode()
    assert "could not be sent" in caplog.text and "/reset/key/" not in caplog.text


def test_a_changed_address_is_recorded_without_the_address(client: Client, alice: User) -> None:
    client.force_login(alice)
    profile = {"first_name": "A", "last_name": "B", "email": alice.email}
    client.post(reverse("profile_save"), profile)
    assert changes() == 0
    client.post(reverse("profile_save"), {**profile, "email": "new@example.org"})
    assert changes() == 1
    client.post(reverse("account_email"), {"action_add": "", "email": "more@example.org"})
    assert changes() == 2
    assert not any("example.org" in str(row.details) for row in Record.objects.all())
