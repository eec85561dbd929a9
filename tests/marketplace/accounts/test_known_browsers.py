"""A stranger who enters wrong passwords locks no one out of the browser that they use."""

import pytest
from django.test import Client

from marketplace.accounts.known_browsers import COOKIE
from marketplace.accounts.models import User
from tests.marketplace.accounts.signing_in import is_signed_in, sign_in

TRIES = 5


def lock(client: Client, name: str = "alice", address: str = "192.0.2.7") -> None:
    for _ in range(TRIES):
        sign_in(client, "wrong", name, REMOTE_ADDR=address)


@pytest.fixture
def own(alice: User) -> Client:
    """The browser in which Alice has signed in before."""
    client = Client()
    sign_in(client)
    client.post("/accounts/logout/")
    return client


def test_a_stranger_locks_the_name_for_others_and_not_for_a_known_browser(own: Client) -> None:
    lock(Client())
    unknown = Client()
    sign_in(unknown)
    assert not is_signed_in(unknown)
    sign_in(own)
    assert is_signed_in(own)


def test_a_known_browser_has_no_more_tries_than_another(own: Client) -> None:
    lock(own)
    sign_in(own)
    assert not is_signed_in(own)
    other = Client()
    sign_in(other)
    assert is_signed_in(other)


def test_a_browser_is_known_for_the_user_who_signed_in_there_alone(own: Client, bob: User) -> None:
    lock(Client(), name="bob")
    sign_in(own, name="bob")
    assert not is_signed_in(own)


def test_a_new_password_forgets_the_browsers(own: Client, alice: User) -> None:
    alice.set_password("another way home")
    alice.save()
    lock(Client())
    sign_in(own, "another way home")
    assert not is_signed_in(own)


@pytest.mark.parametrize("value", ["", "made up", "a:b:c"])
def test_a_cookie_that_was_not_given_counts_for_nothing(alice: User, value: str) -> None:
    lock(Client())
    client = Client()
    client.cookies[COOKIE] = value
    sign_in(client)
    assert not is_signed_in(client)
