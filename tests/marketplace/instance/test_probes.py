"""Probes are answered by whatever name they come."""

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db
POD = "10.1.2.3:8000"
TOKEN = "t" * 20


@pytest.fixture(autouse=True)
def _deployed(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["freehold.example", "127.0.0.1"]


def test_a_pod_is_well_by_its_address(client: Client) -> None:
    assert client.get("/healthz", HTTP_HOST=POD).content == b"ok"
    answer = client.get("/readyz?only=database", HTTP_HOST=POD)
    assert answer.json() == {"ready": True, "database": "ready"}
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["X-Request-ID"]
    assert client.post("/healthz", HTTP_HOST=POD).status_code == 405


@pytest.mark.parametrize("host", [POD, "web.freehold.svc", "freehold.example"])
def test_prometheus_reads_a_pod_by_any_name_with_the_token(
    client: Client, settings: Settings, host: str
) -> None:
    settings.METRICS_TOKEN = TOKEN
    with_token = {"authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", HTTP_HOST=host, headers=with_token).status_code == 200
    wrong = client.get("/metrics", HTTP_HOST=host, headers={"authorization": "Bearer no"})
    nowhere = client.get("/nowhere", HTTP_HOST=host)
    assert wrong.status_code == nowhere.status_code
    assert wrong.status_code in {400, 404}


def test_without_a_token_the_name_counts(client: Client) -> None:
    """A page elsewhere could have its name lead to this machine, and read."""
    assert client.get("/metrics", HTTP_HOST="127.0.0.1").status_code == 200
    assert client.get("/metrics", HTTP_HOST="rebound.example").status_code == 400


@pytest.mark.parametrize("page", ["/", "/accounts/login/", "/api/v1/jobs/", "/healthz/"])
def test_everything_else_is_answered_by_its_own_name_only(client: Client, page: str) -> None:
    assert client.get(page, HTTP_HOST=POD).status_code == 400
