"""Sign-up, addresses, mail and second factors behave as this instance wants."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from pytest_django import Settings

from marketplace.accounts.adapter import MfaAdapter
from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.core.secrets import Undecryptable
from tests.marketplace.accounts.signing_in import sign_in

RESET = "/accounts/password/reset/"


def test_the_secret_of_a_second_factor_is_sealed_in_the_database(
    alice: User, secret: str, settings: Settings
) -> None:
    kept = Authenticator.objects.get(user=alice, type="totp").data["secret"]
    assert secret not in kept
    adapter = MfaAdapter()
    assert adapter.decrypt(kept) == secret
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of the instance, as long as the other"
    assert adapter.decrypt(kept) == secret
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Undecryptable):
        adapter.decrypt(kept)
    adapter.send_notification_mail("template", alice)
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("addresses", "last"),
    [
        pytest.param("2001:db8::{}", 429, id="one household with IPv6"),
        pytest.param("2001:db8:0:{}::1", 200, id="many households with IPv6"),
        pytest.param("::ffff:192.0.2.{}", 200, id="many with IPv4 on a socket for both"),
    ],
)
def test_attempts_are_counted_for_a_household(
    client: Client, db: None, addresses: str, last: int
) -> None:
    answers = [
        sign_in(client, "wrong", f"somebody{index}", REMOTE_ADDR=addresses.format(index))
        for index in range(1, 33)
    ]
    assert [answer.status_code for answer in answers][-1] == last


@pytest.fixture
def server(settings: Settings) -> None:
    """A mail server."""
    settings.MAIL_WORKS = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def test_without_a_mail_server_no_link_is_printed_and_the_page_names_the_way_out(
    client: Client,
    address: str,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    pages = [client.get(RESET), client.post(RESET, {"email": address}, follow=True)]
    for page in pages:
        assert "manage.py changepassword" in page.content.decode()
    printed = capsys.readouterr()
    assert "/reset/key/" not in printed.out + printed.err + caplog.text


def test_with_a_mail_server_the_link_sets_another_password(
    client: Client, alice: User, address: str, server: None
) -> None:
    page = client.post(RESET, {"email": address}, follow=True, HTTP_HOST="localhost")
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
    address: str,
    server: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(*_: Any) -> None:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    page = client.post(RESET, {"email": address}, follow=True)
    assert page.status_code == 200 and "Check your mail" in page.content.decode()
    assert "could not be sent" in caplog.text and "/reset/key/" not in caplog.text
