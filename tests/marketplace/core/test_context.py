"""What every template knows about the site."""

from django.test import RequestFactory
from pytest_django import Settings

from marketplace.core.context import site


def test_templates_know_whether_one_can_sign_up_and_get_mail(settings: Settings) -> None:
    settings.VERSION, settings.SIGN_UP_OPEN, settings.MAIL_WORKS = "9.9", False, True
    known = site(RequestFactory().get("/"))
    assert known == {"version": "9.9", "sign_up_open": False, "mail_works": True}
