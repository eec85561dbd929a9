"""A worker shows that it is alive, and ends itself when it sits idle beside waiting work."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from marketplace.core.models import WorkerPulse
from marketplace.instance import liveness_files
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from worker import liveness
from worker.liveness import (
    EXIT_STATUS,
    LivenessFiles,
    Watchdog,
    record_confinement,
    record_pulse,
    worker_name,
)


class Exited(Exception):
    """What the test makes of the end of the process."""


@pytest.fixture
def hands(settings: Settings) -> dict[str, float]:
    settings.WATCHDOG_S = 100
    return {"now": 0.0}


@pytest.fixture
def gpu(hands: dict[str, float]) -> Watchdog:
    return Watchdog({"gpu"}, monotonic=lambda: hands["now"])


def test_a_worker_with_waiting_work_and_no_messages_is_stuck(
    queued_job: Job, gpu: Watchdog, hands: dict[str, float]
) -> None:
    hands["now"] = 99
    assert not gpu.is_stuck()
    hands["now"] = 100
    assert gpu.is_stuck()


def test_a_message_is_a_sign_of_life(
    queued_job: Job, gpu: Watchdog, hands: dict[str, float]
) -> None:
    hands["now"] = 100
    gpu.message_received()
    hands["now"] = 199
    assert not gpu.is_stuck()


def test_a_worker_without_waiting_work_is_only_idle(
    transactional_db: None, gpu: Watchdog, hands: dict[str, float]
) -> None:
    hands["now"] = 1000
    assert not gpu.is_stuck()


def test_a_worker_whose_child_computes_is_busy_however_long(
    queued_job: Job, gpu: Watchdog, hands: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Child:
        pid = os.getpid()

    monkeypatch.setattr(liveness.process, "active_children", lambda: [Child])
    waiting = Job.objects.get()
    waiting.pk = None
    waiting.save(force_insert=True)
    job_claim(job_id=queued_job.pk, worker=worker_name(Child.pid))
    hands["now"] = 9999
    assert not gpu.is_stuck()
    # A child that hangs does not renew its lease, or its job has gone to another worker.
    Job.objects.filter(pk=queued_job.pk).update(worker="another:1")
    assert gpu.is_stuck()


def test_without_a_database_there_is_no_work(
    queued_job: Job, gpu: Watchdog, hands: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(Job.objects, "filter", away)
    hands["now"] = 1000
    assert not gpu.is_stuck()


def test_a_quick_worker_misses_the_clocks_ticks(
    transactional_db: None, hands: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Watchdog({"quick"}, monotonic=lambda: hands["now"])
    hands["now"] = 100
    assert quick.is_stuck()
    monkeypatch.setattr(liveness, "_has_reserved_message", lambda: True)
    assert not quick.is_stuck()
    # No upload takes half an hour to read; its child hangs.
    hands["now"] = 1000
    assert quick.is_stuck()


def test_it_ends_the_process_only_after_looking_three_times(
    gpu: Watchdog, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, True, False, True, True, True])
    looks = []

    def look() -> bool:
        looks.append(1)
        return next(answers)

    def leave(status: int) -> None:
        raise Exited(status)

    monkeypatch.setattr(gpu, "is_stuck", look)
    monkeypatch.setattr(liveness.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(liveness.os, "_exit", leave)
    with pytest.raises(Exited, match=str(EXIT_STATUS)):
        gpu._run()
    assert len(looks) == 6


@pytest.fixture
def shown(own_files: Path) -> Callable[..., bool]:
    """Until a condition holds, for some seconds."""

    def wait(condition: Callable[..., Any]) -> bool:
        until = time.monotonic() + 10
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        return condition()

    return wait


def age_of(queue: str) -> float:
    age_s = liveness_files.sign_age_s(queue)
    return float("inf") if age_s is None else age_s


def test_a_worker_shows_again_and_again_that_it_lives(shown: Callable[..., bool]) -> None:
    files = LivenessFiles({"gpu"}, every_s=0.02)
    files.start()
    try:
        assert shown(lambda: age_of("gpu") < 60)
        call_command("worker_alive", "gpu")
        path = liveness_files._path("gpu")
        os.utime(path, (0, 0))
        assert shown(lambda: age_of("gpu") < 60)
    finally:
        files.stop()
    with pytest.raises(CommandError):
        call_command("worker_alive", "quick")


def test_a_disk_that_is_full_for_a_moment_does_not_stop_the_files(
    shown: Callable[..., bool], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    touch, failures = liveness.touch_sign, iter([OSError("disk full")])

    def full_once(queue: str) -> None:
        if error := next(failures, None):
            raise error
        touch(queue)

    monkeypatch.setattr(liveness, "touch_sign", full_once)
    files = LivenessFiles({"gpu"}, every_s=0.02)
    files.start()
    try:
        assert shown(lambda: age_of("gpu") < 60)
    finally:
        files.stop()
    assert "was not touched" in caplog.text


def test_what_is_missing_stands_beside_the_pulse_and_outlives_the_next_one(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.liveness.missing_confinement", lambda: ["Landlock", "seccomp"])
    record_confinement()
    record_pulse("quick")
    (pulse,) = WorkerPulse.objects.all()
    assert (pulse.queue, pulse.unconfined) == ("quick", "Landlock and seccomp")
    monkeypatch.setattr("worker.liveness.missing_confinement", list)
    record_confinement()
    assert WorkerPulse.objects.get().unconfined == ""
