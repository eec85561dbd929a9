"""Every broker that the settings offer: messages go through, and its absence harms no request."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from pytest_django import Settings

from marketplace import queue
from marketplace.queue import Task
from tests.faults.servers import rabbitmq, redis
from tests.tools import find_rabbitmq, find_redis

pytestmark = [pytest.mark.services, pytest.mark.slow]
BROKERS = {"redis": (redis, find_redis), "rabbitmq": (rabbitmq, find_rabbitmq)}


@pytest.fixture(params=BROKERS)
def broker(
    request: pytest.FixtureRequest, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A real server, and the instance's Celery app connected to it."""
    start, find = BROKERS[request.param]
    if find() is None:
        pytest.skip(f"{request.param} is not on this machine")
    with start() as (server, url):
        settings.BROKER_URL = url
        app = Celery("freehold", broker=url)
        app.conf.update(
            task_routes=queue.app.conf.task_routes,
            broker_transport_options=queue._transport_options(),
        )
        monkeypatch.setattr(queue, "app", app)
        yield server
        app.close()


def received() -> Any:
    """The next message's arguments; None when there is none."""
    with queue.app.connection_for_read() as connection:
        simple = connection.SimpleQueue("gpu")
        try:
            message = simple.get(timeout=5)
        except simple.Empty:
            return None
        message.ack()
        return message.payload[1]


def test_what_is_sent_arrives(broker: Any) -> None:
    queue._send(Task.RUN_JOB, {"job_id": "a"}, None)
    assert received() == {"job_id": "a"}


def test_a_broker_that_is_away_fails_no_request_and_is_used_again_when_it_is_back(
    broker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    queue._send(Task.RUN_JOB, {"job_id": "a"}, None)
    assert received() == {"job_id": "a"}
    broker.kill()
    began = time.monotonic()
    queue._send(Task.RUN_JOB, {"job_id": "lost"}, None)
    assert time.monotonic() - began < 30
    assert "could not be queued" in caplog.text
    broker.start()
    queue._send(Task.RUN_JOB, {"job_id": "b"}, None)
    # One that was killed right after an acknowledgement may bring the first message again.
    arrived = list(iter(received, None))
    assert {"job_id": "b"} in arrived
    assert {"job_id": "lost"} not in arrived
