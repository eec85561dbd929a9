"""The clock ticks evenly, whatever the time of day does."""

import pytest
from pytest_django import Settings

from marketplace.queue import Task, app
from worker import schedule
from worker.schedule import MonotonicScheduler, Throttle


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MonotonicScheduler:
    """A scheduler with a clock of ours, that notes what it sends."""
    hands = {"now": 50.0}
    monkeypatch.setattr(schedule.time, "monotonic", lambda: hands["now"])
    scheduler = MonotonicScheduler(app, max_interval=300)
    scheduler.hands, scheduler.sent = hands, []
    scheduler.producer = None
    scheduler.apply_entry = lambda entry, producer: scheduler.sent.append(entry.task)
    return scheduler


def test_it_ticks_at_once_and_then_each_so_many_seconds(
    clock: MonotonicScheduler, settings: Settings
) -> None:
    assert clock.tick() == settings.CLOCK_EVERY_S
    assert clock.sent == [str(Task.KEEP_TIME)]
    clock.hands["now"] += settings.CLOCK_EVERY_S - 1
    assert clock.tick() == 1
    assert len(clock.sent) == 1
    clock.hands["now"] += 1
    clock.tick()
    assert len(clock.sent) == 2


def test_a_tick_that_could_not_be_sent_is_not_sent_in_a_hurry(
    clock: MonotonicScheduler, settings: Settings
) -> None:
    """After a long silence one tick is enough."""
    clock.tick()
    clock.hands["now"] += 100 * settings.CLOCK_EVERY_S
    clock.tick()
    assert clock.tick() > 0
    assert len(clock.sent) == 2


def test_it_is_the_one_that_the_clock_process_uses() -> None:
    assert app.conf.beat_scheduler == "worker.schedule:MonotonicScheduler"


def test_a_throttle_allows_once_in_each_interval() -> None:
    now = [100.0]
    throttle = Throttle(10, clock=lambda: now[0])
    answers = []
    for seconds in (5, 5, 5, 4, 1, 30):
        now[0] += seconds
        answers.append(throttle.allow())
    assert answers == [False, True, False, False, True, True]
