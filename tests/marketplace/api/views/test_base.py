"""What all views do: unknown addresses, methods, other people's rows."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.accounts.models import User
from marketplace.api.urls import router
from tests.marketplace.api.problem import assert_problem

API = "/api/v1"


@pytest.mark.parametrize("path", ["", "nothing/", "jobs", "jobs/x/y/z/", "v2/", "../x"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "head", "options"])
def test_an_unknown_address_is_a_404_problem(
    anybody: APIClient, db: None, method: str, path: str
) -> None:
    answer = getattr(anybody, method)(f"/api/unknown/{path}", HTTP_ACCEPT="text/html")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("kind", [name for name, _, _ in router.registry])
@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_a_method_that_a_list_does_not_have_is_405(
    client_of: Callable[..., Any], alice: User, kind: str, method: str
) -> None:
    answer = getattr(client_of(alice), method)(f"{API}/{kind}/")
    assert_problem(answer, 405)
    assert "GET" in answer["Allow"]
