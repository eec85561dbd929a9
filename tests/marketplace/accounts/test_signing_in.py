"""Second factors, lockout, sessions, and the door of the operator's pages."""

import time
from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from tests.marketplace.accounts.signing_in import is_signed_in, sign_in


def code(secret: str, *, steps_ago: int = 0) -> str:
    """What the app shows now, or showed some half minutes ago."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 - steps_ago))


def test_a_password_alone_is_not_enough_once_there_is_a_second_factor(
    client: Client, secret: str
) -> None:
    assert sign_in(client).url == reverse("mfa_authenticate")
    assert not is_signed_in(client)
    assert client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    assert not is_signed_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code(secret)})
    assert is_signed_in(client)


def test_a_code_works_once(client: Client, secret: str) -> None:
    shown = code(secret)
    for signed_in in (True, False):
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": shown})
        assert is_signed_in(client) == signed_in
        client.post(reverse("account_logout"))


def test_a_recovery_code_signs_in_once(client: Client, alice: User, secret: str) -> None:
    row = Authenticator.objects.get(user=alice, type="recovery_codes")
    spare = row.wrap().get_unused_codes()[0]
    for signed_in in (True, False):
        sign_in(client)
        client.post(reverse("mfa_authenticate"), {"code": spare})
        assert is_signed_in(client) == signed_in
        client.post(reverse("account_logout"))


def test_a_second_factor_is_added_and_taken_away_after_the_password_only(
    client: Client, alice: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    client.force_login(alice, "django.contrib.auth.backends.ModelBackend")
    activate = reverse("mfa_activate_totp")
    asked: Any = client.get(activate)
    assert asked.url.startswith(reverse("account_reauthenticate"))
    client.post(reverse("account_reauthenticate"), {"password": "pw"})
    page = client.get(activate)
    assert "data:image/svg+xml" in page.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(activate, {"code": code(page.context["form"].secret)})
    assert Authenticator.objects.filter(user=alice, type="totp").exists()
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=alice).exists()
    kinds = list(Record.objects.filter(kind="", person="alice").values_list("act", flat=True))
    assert "person.factor_added" in kinds
    assert "person.factor_removed" in kinds


def test_five_wrong_passwords_lock_the_name_for_a_while(
    client: Client, alice: User, bob: User
) -> None:
    for _ in range(5):
        assert sign_in(client, "wrong").status_code == 200
    refused = sign_in(client)
    assert "Too many failed" in refused.content.decode()
    assert not is_signed_in(client)
    sign_in(client, name="bob")
    assert is_signed_in(client)


def test_many_attempts_lock_the_address_out_with_429(client: Client, alice: User) -> None:
    answers = [sign_in(client, "wrong", f"somebody{index}").status_code for index in range(32)]
    assert answers[-1] == 429
    assert "Wait a few minutes" in sign_in(client).content.decode()


def test_sessions_are_listed_and_the_others_ended(client: Client, alice: User) -> None:
    other = type(client)()
    for browser in (client, other):
        assert sign_in(browser).status_code == 302
    assert UserSession.objects.filter(user=alice).count() == 2
    page = client.get(reverse("usersessions_list")).content.decode()
    assert page.count("127.0.0.1") == 2
    client.post(reverse("usersessions_list"))
    assert is_signed_in(client)
    assert not is_signed_in(other)
    entry = Record.objects.get(act="person.sessions_ended")
    assert (entry.person, entry.details) == ("alice", {"sessions": 1})
    client.post(reverse("usersessions_list"))  # there is no other one any more
    assert Record.objects.filter(act="person.sessions_ended").count() == 1


def test_the_clock_of_a_phone_may_be_half_a_minute_wrong(client: Client, secret: str) -> None:
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code(secret, steps_ago=1)})
    assert is_signed_in(client)
