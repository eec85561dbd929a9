"""`/healthz` and `/readyz`."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import Settings

from marketplace.core.models import WorkerPulse
from marketplace.instance import health
from marketplace.instance.health import CHECKS, NotReady


def pulse(queue: str, seconds_ago: int = 0) -> None:
    at = timezone.now() - timedelta(seconds=seconds_ago)
    WorkerPulse.objects.create(name=f"{queue}@here", queue=queue, at=at)


def test_the_process_lives(client: Client) -> None:
    assert client.get("/healthz").content == b"ok"


@pytest.mark.django_db
def test_it_is_ready_when_everything_answers(client: Client) -> None:
    pulse("gpu")
    pulse("quick")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "ready",
        "migrations": "ready",
        "storage": "ready",
        "broker": "ready",
        "worker": "ready",
    }


@pytest.mark.django_db
def test_it_warns_of_readers_that_are_not_confined_and_is_ready_all_the_same(
    client: Client,
) -> None:
    pulse("gpu")
    pulse("quick")
    WorkerPulse.objects.filter(queue="quick").update(unconfined="Landlock and seccomp")
    answer = client.get("/readyz")
    assert answer.status_code == 200 and answer.json()["ready"]
    assert answer.json()["warnings"] == [
        "a worker reads uploads without Landlock and seccomp, which its machine does not support"
    ]
    assert "warnings" not in client.get("/readyz?only=database,storage").json()
    long_ago = timezone.now() - timedelta(hours=1)
    WorkerPulse.objects.filter(queue="quick").update(at=long_ago)
    assert "warnings" not in client.get("/readyz").json()


@pytest.mark.django_db
def test_it_has_no_warnings_when_the_database_is_away(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr("marketplace.instance.health._alive", away)
    answer = client.get("/readyz").json()
    assert answer["worker"] == "the database does not answer" and "warnings" not in answer


@pytest.mark.django_db
def test_it_names_the_worker_that_is_missing(client: Client) -> None:
    pulse("quick")
    pulse("gpu", seconds_ago=300)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker"] == "no worker for: gpu"


@pytest.mark.django_db
def test_it_says_when_files_cannot_be_stored(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, content: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("marketplace.instance.health.default_storage.save", full)
    assert client.get("/readyz").json()["storage"] == "files cannot be stored"


@pytest.mark.django_db
def test_the_probe_leaves_nothing_in_storage(client: Client, stored: Callable[..., Any]) -> None:
    assert client.get("/readyz?only=storage").json() == {"ready": True, "storage": "ready"}
    assert stored() == []


@pytest.mark.django_db
def test_a_worker_that_is_away_is_no_reason_to_take_the_web_off(client: Client) -> None:
    assert client.get("/readyz").status_code == 503
    answer = client.get("/readyz?only=database,migrations,storage,broker")
    assert answer.status_code == 200 and "worker" not in answer.json()
    assert client.get("/readyz?only=weather").status_code == 400


@pytest.mark.django_db
def test_a_database_that_was_not_migrated_is_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.instance.health._migrated", False)
    newest = MigrationLoader(connection).graph.leaf_nodes("learners")[0]
    MigrationRecorder(connection).record_unapplied(*newest)
    answer = client.get("/readyz?only=migrations")
    assert answer.status_code == 503
    assert "run manage.py migrate" in answer.json()["migrations"]


@pytest.mark.django_db
def test_it_names_what_does_not_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise DatabaseError("gone")

    with monkeypatch.context() as patched:
        patched.setattr("marketplace.instance.health._migrated", False)
        patched.setattr("marketplace.instance.health.MigrationExecutor", away)
        answer = client.get("/readyz?only=migrations").json()
        assert answer["migrations"] == "the database does not answer"
    with monkeypatch.context() as patched:
        patched.setattr(connection, "cursor", away)
        answer = client.get("/readyz?only=database").json()
        assert answer["database"] == "the database does not answer"

    def refused(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("marketplace.instance.health.current_app.connection_for_write", refused)
    assert client.get("/readyz?only=broker").json()["broker"] == "the broker does not answer"


@pytest.mark.django_db
def test_a_check_that_is_named_often_or_asked_often_is_made_once(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.READY_KEPT_S = 60
    monkeypatch.setattr(health, "_answers", {})
    made = []
    monkeypatch.setitem(CHECKS, "storage", lambda: made.append("storage"))
    for _ in range(3):
        answer = client.get("/readyz?only=" + ",".join(["storage"] * 500))
        assert answer.json() == {"ready": True, "storage": "ready"}
    assert made == ["storage"]
    monkeypatch.setattr(health, "_answers", {})
    client.get("/readyz?only=storage")
    assert made == ["storage", "storage"]


@pytest.mark.django_db
def test_what_is_not_ready_is_said_again_and_then_asked_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    def away() -> None:
        raise NotReady("files cannot be stored")

    monkeypatch.setattr(health, "_answers", {})
    settings.READY_KEPT_S = 60
    monkeypatch.setitem(CHECKS, "storage", away)
    assert client.get("/readyz?only=storage").status_code == 503
    monkeypatch.setitem(CHECKS, "storage", lambda: None)
    assert client.get("/readyz?only=storage").status_code == 503
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert client.get("/readyz?only=storage").status_code == 200
