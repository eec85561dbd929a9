"""gunicorn's configuration: patience for adaptations, no paths in logs, counters anew."""

from types import SimpleNamespace

import pytest

from marketplace.instance import web_server


def test_a_request_may_wait_longer_than_an_adaptation_may_take(settings):
    assert web_server.timeout > settings.ADAPTATION_TIMEOUT_S


def test_requests_are_not_logged_with_their_paths():
    access = web_server.logconfig_dict["loggers"]["gunicorn.access"]
    assert (access["handlers"], access["propagate"]) == ([], False)


@pytest.fixture
def numbers(settings, tmp_path):
    """The folder in which processes of the web count."""
    folder = settings.METRICS_DIR = tmp_path / "metrics"
    folder.mkdir()
    for name in ("counter_7.db", "gauge_liveall_7.db", "gauge_liveall_8.db"):
        (folder / name).touch()
    return lambda: {path.name for path in folder.iterdir()}


def test_what_processes_of_an_earlier_start_counted_goes(numbers):
    web_server.on_starting(None)
    assert numbers() == set()


def test_of_a_process_that_ended_what_it_counted_stays(numbers):
    web_server.child_exit(None, SimpleNamespace(pid=7))
    assert numbers() == {"counter_7.db", "gauge_liveall_8.db"}
