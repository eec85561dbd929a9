"""The OpenAPI document says of every operation which scope it needs and how it can be refused."""

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

API = "/api/v1"


@pytest.fixture(scope="module")
def operations() -> dict[tuple[str, str], Any]:
    """What is said of each method of each path."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    return {
        (method, path): said
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    }


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("get", "/jobs/", "read"),
        ("post", "/jobs/", "jobs"),
        ("post", "/checkpoints/", "upload"),
        ("delete", "/pools/{id}/", "write"),
    ],
)
def test_a_description_ends_with_the_scope(
    operations: dict[tuple[str, str], Any], method: str, path: str, scope: str
) -> None:
    said = operations[method, f"{API}{path}"]["description"]
    assert said.endswith(f"Needs the scope `{scope}`.")


def test_what_has_a_row_or_a_body_can_be_refused_for_it(
    operations: dict[tuple[str, str], Any],
) -> None:
    row = set(operations["get", f"{API}/jobs/{{id}}/"]["responses"])
    assert {"401", "403", "404", "429"} <= row and not row & {"400", "413", "415"}
    launch = set(operations["post", f"{API}/jobs/"]["responses"])
    assert {"400", "401", "403", "409", "413", "415", "429"} <= launch and "404" not in launch


def test_a_refusal_is_a_problem_document(operations: dict[tuple[str, str], Any]) -> None:
    refused = operations["post", f"{API}/jobs/"]["responses"]["400"]
    assert list(refused["content"]) == ["application/problem+json"]
    assert "field by field" in refused["description"]
