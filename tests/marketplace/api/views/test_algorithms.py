"""`algorithms/` and `architectures/`."""

from collections.abc import Callable
from typing import Any

from marketplace.accounts.models import User
from tests.marketplace.api.problem import assert_problem

API = "/api/v1"


def test_algorithms_and_architectures_are_listed(
    client_of: Callable[..., Any], charlie: User, catalogue: None
) -> None:
    client = client_of(charlie)
    row = client.get(f"{API}/algorithms/").json()["results"][0]
    assert (row["name"], row["title"], row["paper"][:3]) == ("free", "FREE", "Wei")
    assert row["settings"][0] == {
        "name": "outer_steps", "kind": "int", "default": 10, "help": "steps", "low": 1,
        "high": 1000, "choices": None,
    }  # fmt: skip
    assert client.get(f"{API}/algorithms/free/").json() == row
    assert_problem(client.get(f"{API}/algorithms/magic/"), 404)
    names = [row["name"] for row in client.get(f"{API}/architectures/").json()["results"]]
    assert names == ["conv4", "resnet10"]
