"""`pools/`."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from marketplace.accounts.models import Team, User
from marketplace.pools.models import Pool
from marketplace.pools.services import pool_freeze

URL = "/api/v1/pools/"


@pytest.fixture
def client(client_of: Callable[..., Any], alice: User) -> APIClient:
    """Alice's client."""
    return client_of(alice)


@pytest.fixture
def two(make_checkpoint: Callable[..., Any]) -> list[str]:
    """Ids of two models that fit together."""
    return [str(make_checkpoint(name).pk) for name in ("robin", "wren")]


def test_a_pool_keeps_the_order_and_says_how_the_models_fit(
    client: APIClient, two: list[str]
) -> None:
    answer = client.post(URL, {"name": " Garden  birds ", "checkpoints": two[::-1]})
    row = answer.json()
    assert answer.status_code == 201, row
    assert (row["name"], row["checkpoints"], row["n_models"]) == ("Garden birds", two[::-1], 2)
    assert (row["fit"]["scenario"], row["fit"]["channels"], row["frozen"]) == ("SS", 3, False)
    assert answer["Location"].endswith(f"{URL}{row['id']}/")
    assert client.get(f"{URL}{row['id']}/").json() == row


def test_a_model_named_twice_counts_once(client: APIClient, two: list[str]) -> None:
    answer = client.post(URL, {"name": "x", "checkpoints": [*two, two[0]]})
    assert answer.json()["n_models"] == 2


def test_a_pool_is_shared_with_a_team(client: APIClient, two: list[str], team: Team) -> None:
    body = {"name": "x", "checkpoints": two, "visibility": "team", "team": "Botany"}
    assert client.post(URL, body).json()["team"] == "Botany"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": ["x"]}, "name"),
        ({"name": None}, "name"),
        ({"checkpoints": []}, "checkpoints"),
        ({"checkpoints": "x"}, "checkpoints"),
        ({"checkpoints": ["x", "y"]}, "checkpoints"),
        ({"checkpoints": [1, 2]}, "checkpoints"),
        ({"checkpoints": None}, "checkpoints"),
        ({"checkpoints": ["00000000-0000-4000-8000-000000000000"] * 2}, "checkpoints"),
        ({"visibility": "odd"}, "visibility"),
        ({"visibility": "team"}, "team"),
        ({"team": "strangers"}, "team"),
        ({"members": []}, "members"),
    ],
)
def test_a_bad_pool_names_the_field(
    client: APIClient, two: list[str], body: dict[str, Any], field: str
) -> None:
    said = {} if body == {} else {"name": "x", "checkpoints": two, **body}
    answer = client.post(URL, said)
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Pool.objects.exists()


def test_models_that_do_not_fit_are_named(
    client: APIClient, make_checkpoint: Callable[..., Any], charlie: User
) -> None:
    good = make_checkpoint("good")
    cases = {
        "at least two": [good],
        "Colour and grey": [good, make_checkpoint("grey", channels=1)],
        "“shy”": [good, make_checkpoint("shy", consent_recovery=False)],
        "“new”": [good, make_checkpoint("new", state="uploaded")],
        "that you may see": [good, make_checkpoint("hidden", owner=charlie)],
    }
    for text, rows in cases.items():
        answer = client.post(URL, {"name": "x", "checkpoints": [str(row.pk) for row in rows]})
        assert answer.status_code == 400
        assert text in answer.json()["errors"]["checkpoints"][0]


def test_the_models_can_be_chosen_again_until_a_job_uses_them(
    client: APIClient, pool: Pool, two: list[str]
) -> None:
    answer = client.patch(f"{URL}{pool.pk}/", {"checkpoints": two})
    assert (answer.status_code, answer.json()["checkpoints"]) == (200, two)
    pool_freeze(pool=pool)
    answer = client.patch(f"{URL}{pool.pk}/", {"checkpoints": two[::-1]})
    assert (answer.status_code, answer.json()["status"]) == (409, 409)
    assert client.delete(f"{URL}{pool.pk}/").status_code == 409


def test_an_unused_pool_is_deleted_and_its_models_stay(client: APIClient, pool: Pool) -> None:
    assert client.delete(f"{URL}{pool.pk}/").status_code == 204
    assert not Pool.objects.exists()
    assert client.get("/api/v1/checkpoints/").json()["count"] == 2


def test_pools_are_found(client: APIClient, make_pool: Callable[..., Any]) -> None:
    make_pool("birds")
    make_pool("insects")
    assert [row["name"] for row in client.get(f"{URL}?search=bir").json()["results"]] == ["birds"]
    assert client.get(f"{URL}?mine=false").json()["count"] == 0
    assert client.get(f"{URL}?ordering=name").json()["results"][0]["n_models"] == 2


def test_a_pool_of_very_many_models_is_refused_by_its_length(
    client_of: Callable[..., Any], alice: User
) -> None:
    answer = client_of(alice).post(URL, {"name": "p", "checkpoints": [[]] * 20_000})
    assert answer.status_code == 400
    assert answer.json()["errors"] == {"checkpoints": ["Give at most 500 entries."]}
