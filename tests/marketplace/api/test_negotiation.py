"""An answer has the form that we have, whatever is accepted."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from tests.marketplace.api.problem import assert_problem

API = "/api/v1"


@pytest.mark.parametrize("accept", ["text/html", "application/zip", "nonsense", "*/*", ""])
def test_json_comes_whatever_is_accepted(
    client_of: Callable[..., Any], alice: User, accept: str
) -> None:
    client = client_of(alice)
    answer = client.get(f"{API}/jobs/", HTTP_ACCEPT=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert_problem(client.get(f"{API}/jobs/no-id/", HTTP_ACCEPT=accept), 404)
