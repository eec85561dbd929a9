"""`/metrics`: who may read it."""

import pytest
from django.test import Client
from pytest_django import Settings

from tests.marketplace.operations.prometheus import numbers

pytestmark = pytest.mark.django_db


def test_with_a_token_set_only_who_has_it_may_read(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "metrics-secret"
    assert client.get("/metrics").status_code == 404
    wrong = {"authorization": "Bearer wrong"}
    assert client.get("/metrics", headers=wrong).status_code == 404
    assert numbers(authorization="Bearer metrics-secret")


def test_without_one_only_this_machine_may_and_not_through_a_proxy(
    client: Client, settings: Settings
) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    forwarded = {"x-forwarded-for": "192.0.2.1"}
    assert client.get("/metrics", headers=forwarded).status_code == 404
    settings.BEHIND_PROXY = True
    assert client.get("/metrics").status_code == 404
