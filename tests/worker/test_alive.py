"""A worker shows that it lives without a database."""

import os
import time

import pytest
from django.core.management import CommandError, call_command

from marketplace.instance import signs_of_life
from worker import alive
from worker.alive import SignsOfLife


@pytest.fixture
def shown(own_files):
    """Until a condition holds, for some seconds."""

    def wait(condition):
        until = time.monotonic() + 10
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        return condition()

    return wait


def age_of(queue):
    age_s = signs_of_life.sign_age_s(queue)
    return float("inf") if age_s is None else age_s


def test_a_worker_shows_again_and_again_that_it_lives(shown):
    signs = SignsOfLife({"gpu"}, every_s=0.02)
    signs.start()
    try:
        assert shown(lambda: age_of("gpu") < 60)
        call_command("worker_alive", "gpu")
        path = signs_of_life._path("gpu")
        os.utime(path, (0, 0))
        assert shown(lambda: age_of("gpu") < 60)
    finally:
        signs.stop()
    with pytest.raises(CommandError):
        call_command("worker_alive", "quick")


def test_a_disk_that_is_full_for_a_moment_does_not_end_the_signs(shown, monkeypatch, caplog):
    touch, failures = alive.touch_sign, iter([OSError("disk full")])

    def full_once(queue):
        if error := next(failures, None):
            raise error
        touch(queue)

    monkeypatch.setattr(alive, "touch_sign", full_once)
    signs = SignsOfLife({"gpu"}, every_s=0.02)
    signs.start()
    try:
        assert shown(lambda: age_of("gpu") < 60)
    finally:
        signs.stop()
    assert "cannot show that it lives" in caplog.text
