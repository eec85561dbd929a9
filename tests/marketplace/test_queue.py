"""How the web asks for work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from marketplace import queue
from marketplace.queue import ROUTES, Queue, Task, enqueue


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reaches Celery."""
    messages = []
    monkeypatch.setattr(queue.app, "send_task", lambda name, **rest: messages.append((name, rest)))
    return messages


@pytest.fixture
def _no_broker_and_own_files(own_files: Path) -> None:
    """Here the real sending is tested."""


def test_work_is_sent_after_the_commit_only(
    broker: list[Any], db: None, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        enqueue(Task.RUN_JOB, job_id="7")
    assert broker == []
    callbacks[0]()
    name, rest = broker[0]
    assert (name, rest["kwargs"]) == ("worker.run_job", {"job_id": "7"})


@pytest.mark.parametrize("error", [OperationalError("away"), OSError("full")])
def test_a_broker_that_is_away_fails_no_request(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    db: None,
    django_capture_on_commit_callbacks: Callable[..., Any],
    error: OSError | OperationalError,
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(queue.app, "send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        enqueue(Task.ADAPT, session_id="7")
    assert "the clock will try again" in caplog.text


def test_every_task_has_a_queue() -> None:
    assert set(ROUTES) == set(Task)
    assert set(ROUTES.values()) == set(Queue)
