"""The operator's pages let people in through our own sign-in only."""

from typing import Any

from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace.accounts.models import User
from tests.marketplace.accounts.signing_in import LOGIN, is_signed_in


def test_the_operator_pages_have_no_sign_in_of_their_own(
    client: Client, staff: User, bob: User
) -> None:
    index = reverse("admin:index")
    page = client.get(index, follow=True)
    assert page.redirect_chain[-1][0] == f"{LOGIN}?next=%2Foperator%2F"
    client.post(reverse("admin:login"), {"username": "alice", "password": "pw"})
    assert not is_signed_in(client)
    client.force_login(bob, "django.contrib.auth.backends.ModelBackend")
    assert "Only staff" in client.get(index, follow=True).content.decode()
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    assert client.get(index).status_code == 200
    answer: Any = client.get(reverse("admin:login"))
    assert answer.url == index


def test_where_the_operator_asks_for_it_staff_need_a_second_factor(
    client: Client, staff: User, settings: Settings
) -> None:
    settings.ADMIN_NEEDS_MFA = True
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("admin:index"), follow=True)
    assert page.redirect_chain[-1][0] == reverse("mfa_index")
    assert "Add a second factor first" in page.content.decode()
    TOTP.activate(staff, generate_totp_secret())
    assert client.get(reverse("admin:index")).status_code == 200
