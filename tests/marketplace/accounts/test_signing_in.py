"""Second factors, lockout, sessions, and the door of the operator's pages."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from marketplace import settings as real_settings
from marketplace.accounts.adapter import MfaAdapter
from marketplace.accounts.models import Team, User
from marketplace.accounts.permissions import can_manage_team, can_operate
from marketplace.audit.models import Record
from marketplace.core.secrets import Undecryptable

LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _nobody_is_locked_out() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def secret(alice: User) -> str:
    """Alice has an authenticator app."""
    secret = generate_totp_secret()
    TOTP.activate(alice, secret)
    RecoveryCodes.activate(alice)
    return secret


def code(secret: str, *, steps_ago: int = 0) -> str:
    """What the app shows now, or showed some half minutes ago."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 - steps_ago))


def sign_in(
    client: Client, password: str = "pw", name: str = "alice", **of_the_request: Any
) -> Any:
    """Name and password."""
    return client.post(LOGIN, {"login": name, "password": password}, **of_the_request)


def is_signed_in(client: Client) -> bool:
    """Whether the settings open."""
    return client.get(reverse("account_settings")).status_code == 200


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


def test_a_new_password_ends_the_other_sessions_and_is_recorded(
    client: Client, alice: User
) -> None:
    other = type(client)()
    for browser in (client, other):
        sign_in(browser)
    new = {"oldpassword": "pw", "password1": "gentle otter 42", "password2": "gentle otter 42"}
    client.post(reverse("account_change_password"), new)
    assert not is_signed_in(other)
    assert Record.objects.filter(act="person.password_changed", person="alice").exists()


def test_signing_up_is_recorded_and_the_password_is_hashed_with_argon2(
    client: Client, db: None, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = real_settings.PASSWORD_HASHERS
    new = {"username": "eve", "password1": "gentle otter 42", "password2": "gentle otter 42"}
    client.post(reverse("account_signup"), new)
    user = get_user_model().objects.get(username="eve")
    assert user.password.startswith("argon2$argon2id$")
    assert Record.objects.filter(act="person.sign_up", person="eve").exists()


@pytest.fixture
def staff(alice: User) -> User:
    """Alice operates the instance."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    return alice


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


def test_who_may_operate_and_manage(staff: User, bob: User, team: Team, settings: Settings) -> None:
    assert can_operate(staff)
    assert not can_operate(bob)
    assert not can_operate(AnonymousUser())
    staff.is_active = False
    assert not can_operate(staff)
    assert can_manage_team(staff, team)
    assert not can_manage_team(bob, team)
    assert not can_manage_team(AnonymousUser(), team)


def test_the_clock_of_a_phone_may_be_half_a_minute_wrong(client: Client, secret: str) -> None:
    sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code(secret, steps_ago=1)})
    assert is_signed_in(client)
