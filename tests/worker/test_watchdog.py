"""A worker that sits idle beside waiting work ends itself; one that is at work does not."""

import os

import pytest
from django.db import OperationalError

from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim
from worker import watchdog
from worker.naming import worker_name
from worker.watchdog import EXIT_STATUS, Watchdog


class Exited(Exception):
    """What the test makes of the end of the process."""


@pytest.fixture
def hands(settings):
    settings.WATCHDOG_S = 100
    return {"now": 0.0}


@pytest.fixture
def gpu(hands):
    return Watchdog({"gpu"}, monotonic=lambda: hands["now"])


def test_a_worker_with_waiting_work_and_no_messages_is_stuck(queued_job, gpu, hands):
    hands["now"] = 99
    assert not gpu.is_stuck()
    hands["now"] = 100
    assert gpu.is_stuck()


def test_a_message_is_a_sign_of_life(queued_job, gpu, hands):
    hands["now"] = 100
    gpu.message_came()
    hands["now"] = 199
    assert not gpu.is_stuck()


def test_a_worker_without_waiting_work_is_only_idle(transactional_db, gpu, hands):
    hands["now"] = 1000
    assert not gpu.is_stuck()


def test_a_worker_whose_child_computes_is_busy_however_long(queued_job, gpu, hands, monkeypatch):
    class Child:
        pid = os.getpid()

    monkeypatch.setattr(watchdog.process, "active_children", lambda: [Child])
    waiting = Job.objects.get()
    waiting.pk = None
    waiting.save(force_insert=True)
    job_claim(job_id=queued_job.pk, worker=worker_name(Child.pid))
    hands["now"] = 9999
    assert not gpu.is_stuck()
    # A child that hangs does not renew its lease, or its job has gone to another worker.
    Job.objects.filter(pk=queued_job.pk).update(worker="another:1")
    assert gpu.is_stuck()


def test_without_a_database_there_is_no_work(queued_job, gpu, hands, monkeypatch):
    def away(**_):
        raise OperationalError("gone")

    monkeypatch.setattr(Job.objects, "filter", away)
    hands["now"] = 1000
    assert not gpu.is_stuck()


def test_a_quick_worker_misses_the_clocks_ticks(transactional_db, hands, monkeypatch):
    quick = Watchdog({"quick"}, monotonic=lambda: hands["now"])
    hands["now"] = 100
    assert quick.is_stuck()
    monkeypatch.setattr(watchdog, "_has_message_in_hand", lambda: True)
    assert not quick.is_stuck()
    # No upload takes half an hour to read; its child hangs.
    hands["now"] = 1000
    assert quick.is_stuck()


def test_it_ends_the_process_only_after_looking_three_times(gpu, monkeypatch):
    answers = iter([True, True, False, True, True, True])
    looks = []

    def look():
        looks.append(1)
        return next(answers)

    def leave(status):
        raise Exited(status)

    monkeypatch.setattr(gpu, "is_stuck", look)
    monkeypatch.setattr(watchdog.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(watchdog.os, "_exit", leave)
    with pytest.raises(Exited, match=str(EXIT_STATUS)):
        gpu._watch()
    assert len(looks) == 6
