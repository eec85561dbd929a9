"""Which server mail leaves by."""

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from marketplace.instance.mail import NOWHERE, mail_settings

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def test_without_a_server_mail_goes_nowhere_and_is_not_printed() -> None:
    assert mail_settings("") == {"EMAIL_BACKEND": NOWHERE}
    assert "dummy" in NOWHERE and not django_settings.MAIL_WORKS


@pytest.mark.parametrize(
    ("url", "port", "way"),
    [
        ("smtp+tls://me@mail.example", 587, "EMAIL_USE_TLS"),
        ("smtps://me@mail.example:2525", 2525, "EMAIL_USE_TLS"),
        ("smtp+ssl://me@mail.example", 465, "EMAIL_USE_SSL"),
        ("smtp://me@mail.example", 25, None),
    ],
)
def test_a_server_is_named_by_an_address_and_its_password_apart(
    url: str, port: int, way: str | None
) -> None:
    said = mail_settings(url, "p@ss w/rd")
    assert said["EMAIL_BACKEND"] == SMTP and said["EMAIL_HOST"] == "mail.example"
    assert (said["EMAIL_HOST_USER"], said["EMAIL_HOST_PASSWORD"]) == ("me", "p@ss w/rd")
    assert said["EMAIL_PORT"] == port and said["EMAIL_TIMEOUT"] == 10
    assert [name for name in said if name.startswith("EMAIL_USE_")] == ([way] if way else [])


def test_who_develops_can_ask_for_mails_on_the_console() -> None:
    assert mail_settings("consolemail://")["EMAIL_BACKEND"].endswith("console.EmailBackend")


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "filemail:///tmp"])
def test_what_is_no_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"smtp\+tls"):
        mail_settings(url)
