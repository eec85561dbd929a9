"""What the database holds of a session opens no session."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings

from marketplace.accounts.models import User
from marketplace.accounts.session_keys import stored_key
from marketplace.settings import MIDDLEWARE

PASSWORD = "a long way home 7"
COOKIE = "sessionid"


@pytest.fixture(autouse=True)
def _real_sessions(settings: Settings) -> None:
    settings.SESSION_ENGINE = "marketplace.accounts.session_keys"
    settings.MIDDLEWARE = MIDDLEWARE


@pytest.fixture
def signed_in(db: None) -> Client:
    """Alice's browser, after the sign-in page."""
    User.objects.create_user("alice", password=PASSWORD)
    client = Client()
    answer = client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def cookie_of(client: Client) -> str:
    return client.cookies[COOKIE].value


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/sessions/").status_code == 200


def test_the_database_has_the_hash_and_not_the_cookie(signed_in: Client) -> None:
    assert is_signed_in(signed_in)
    cookie = cookie_of(signed_in)
    assert Session.objects.get().session_key == stored_key(cookie)
    assert UserSession.objects.get().session_key == stored_key(cookie)


def test_a_key_from_the_database_opens_nothing(signed_in: Client) -> None:
    thief = Client()
    thief.cookies[COOKIE] = Session.objects.get().session_key
    assert not is_signed_in(thief)
    assert is_signed_in(signed_in)


def test_a_new_sign_in_has_a_new_cookie(signed_in: Client) -> None:
    before = cookie_of(signed_in)
    signed_in.post("/accounts/logout/")
    signed_in.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert is_signed_in(signed_in) and cookie_of(signed_in) != before
    old = Client()
    old.cookies[COOKIE] = before
    assert not is_signed_in(old)


def test_signing_out_takes_the_cookie_and_the_row(signed_in: Client) -> None:
    signed_in.post("/accounts/logout/")
    assert not Session.objects.exists() and not cookie_of(signed_in)


def test_a_session_is_listed_as_this_one_and_ended_from_another_browser(signed_in: Client) -> None:
    other = Client()
    other.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    page = other.get("/accounts/sessions/").content.decode()
    assert page.count("This one") == 1 and UserSession.objects.count() == 2
    assert other.post("/accounts/sessions/").status_code == 302
    assert is_signed_in(other) and not is_signed_in(signed_in)


def test_a_cookie_that_was_made_up_gets_a_session_of_its_own(db: None) -> None:
    client = Client()
    client.cookies[COOKIE] = "chosen by somebody else"
    client.get("/accounts/login/")
    assert not Session.objects.filter(session_key=stored_key("chosen by somebody else")).exists()
