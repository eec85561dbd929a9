"""`/healthz` and `/readyz`."""

from datetime import timedelta

import pytest
from django.utils import timezone

from marketplace.core.models import WorkerPulse


def pulse(queue, seconds_ago=0):
    at = timezone.now() - timedelta(seconds=seconds_ago)
    WorkerPulse.objects.create(name=f"{queue}@here", queue=queue, at=at)


def test_the_process_lives(client):
    assert client.get("/healthz").content == b"ok"


@pytest.mark.django_db
def test_it_is_ready_when_everything_answers(client):
    pulse("gpu")
    pulse("quick")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "database": "ready",
        "storage": "ready",
        "broker": "ready",
        "worker": "ready",
    }


@pytest.mark.django_db
def test_it_names_the_worker_that_is_missing(client):
    pulse("quick")
    pulse("gpu", seconds_ago=300)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker"] == "no worker for: gpu"


@pytest.mark.django_db
def test_it_says_when_files_cannot_be_stored(client, monkeypatch):
    def full(name, content):
        raise OSError("no space left on device")

    monkeypatch.setattr("marketplace.core.health.default_storage.save", full)
    assert client.get("/readyz").json()["storage"] == "files cannot be stored"
