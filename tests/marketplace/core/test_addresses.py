"""Which address a request came from, and whose attempts are counted together."""

import pytest
from django.test import RequestFactory

from marketplace.core.addresses import client_address, counted_by


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_a_peer_has_one_way_to_write_its_address(peer: str, address: str) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR=peer)) == address


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::7", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("fe80::1%eth0", "fe80::2%eth0"),
    ],
)
def test_one_household_with_ipv6_counts_as_one(one: str, other: str) -> None:
    assert counted_by(one) == counted_by(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("192.0.2.7", "192.0.2.8"),
        ("2001:db8:1:2::7", "2001:db8:1:3::7"),
        ("2001:db8:1:2::7", "192.0.2.7"),
    ],
)
def test_two_households_count_as_two(one: str, other: str) -> None:
    assert counted_by(one) != counted_by(other)
