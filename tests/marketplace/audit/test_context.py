"""From where, and with which token, the request at hand came."""

from collections.abc import Iterator

import pytest

from marketplace.audit.context import Origin, origin, set_address, set_token


@pytest.fixture(autouse=True)
def _nowhere() -> Iterator[None]:
    set_address("")
    yield
    set_address("")


def test_a_command_comes_from_nowhere() -> None:
    assert origin() == Origin(address="", token="")


def test_a_token_is_added_to_the_address_and_forgotten_at_the_next_request() -> None:
    set_address("192.0.2.7")
    set_token("fh_abcdef")
    assert origin() == Origin(address="192.0.2.7", token="fh_abcdef")
    set_address("192.0.2.8")
    assert origin() == Origin(address="192.0.2.8", token="")
