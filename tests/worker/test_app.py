"""What each child of a worker does before its first task."""

from types import SimpleNamespace
from typing import Any

import pytest

from marketplace.queue import Queue
from worker import app as worker_app


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, in its order."""
    seen: list[str] = []
    for place in (
        "worker.shutdown.prepare_child",
        "worker.shutdown.request_in_children",
        "worker.liveness.record_confinement",
        "worker.publishing.publish_catalogue",
    ):
        name = place.rpartition(".")[2]
        monkeypatch.setattr(place, lambda name=name: seen.append(name))
    return seen


def consume(monkeypatch: pytest.MonkeyPatch, *queues: Queue) -> None:
    """The worker takes its tasks from these."""
    amqp: Any = SimpleNamespace(queues=SimpleNamespace(consume_from=dict.fromkeys(queues)))
    monkeypatch.setattr(worker_app.app, "amqp", amqp)


def test_a_quick_child_publishes_what_this_worker_knows(
    monkeypatch: pytest.MonkeyPatch, done: list[str]
) -> None:
    consume(monkeypatch, Queue.QUICK)
    worker_app._prepare_child()
    assert done == ["prepare_child", "record_confinement", "publish_catalogue"]


def test_the_child_of_a_job_only_listens_for_a_shutdown(
    monkeypatch: pytest.MonkeyPatch, done: list[str]
) -> None:
    consume(monkeypatch, Queue.GPU)
    worker_app._prepare_child()
    assert done == ["prepare_child"]


def test_a_worker_that_shuts_down_asks_its_children(done: list[str]) -> None:
    worker_app._shut_down_children()
    assert done == ["request_in_children"]
