"""gunicorn's configuration: patience for adaptations, no paths in logs, counters anew."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from marketplace.instance import web_server


def test_a_request_may_wait_longer_than_an_adaptation_may_take(settings: Settings) -> None:
    assert web_server.timeout > settings.ADAPTATION_TIMEOUT_S


def test_requests_are_not_logged_with_their_paths() -> None:
    access = web_server.logconfig_dict["loggers"]["gunicorn.access"]
    assert (access["handlers"], access["propagate"]) == ([], False)


@pytest.fixture
def numbers(settings: Settings, tmp_path: Path) -> Callable[..., Any]:
    """The folder in which processes of the web count."""
    folder = settings.METRICS_DIR = tmp_path / "metrics"
    folder.mkdir()
    for name in ("counter_7.db", "gauge_liveall_7.db", "gauge_liveall_8.db"):
        (folder / name).touch()
    return lambda: {path.name for path in folder.iterdir()}


def test_what_processes_of_an_earlier_start_counted_goes(numbers: Callable[..., Any]) -> None:
    web_server.on_starting(None)
    assert numbers() == set()


def test_of_a_process_that_ended_what_it_counted_stays(numbers: Callable[..., Any]) -> None:
    web_server.child_exit(None, SimpleNamespace(pid=7))
    assert numbers() == {"counter_7.db", "gauge_liveall_8.db"}
