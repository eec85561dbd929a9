"""Silent jobs are taken back, waiting ones woken, and a clock that jumps costs nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from marketplace.jobs import clock
from marketplace.jobs.clock import Jumps, jobs_tick
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_claim, job_move, job_renew_lease
from marketplace.jobs.selectors import job_events
from marketplace.jobs.states import JobState

S = JobState


def silent(seconds: int = 600) -> datetime:
    """A lease that ended so long ago; PostgreSQL's time stands still within a test."""
    return timezone.now() - timedelta(seconds=seconds)


def test_a_silent_job_goes_back_to_the_queue_and_a_worker_is_woken(
    job: Job, sent: list[Any], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    job_claim(job_id=job.pk, worker="dead")
    Job.objects.update(lease_until=silent())
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        jobs_tick()
    row = Job.objects.get()
    assert (row.state, row.lost_attempts, row.lease_until) == (S.QUEUED, 1, None)
    assert sent == [("worker.run_job", {"job_id": str(job.pk)})]


def test_a_job_that_lives_is_left_alone(job: Job) -> None:
    job_claim(job_id=job.pk, worker="w")
    jobs_tick()
    assert Job.objects.get().state == S.RUNNING


def test_a_silent_job_that_was_to_end_is_cancelled(job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="dead")
    job_move(job=claimed, to=S.CANCELLING)
    Job.objects.update(lease_until=silent())
    jobs_tick()
    row = Job.objects.get()
    assert (row.state, row.finished_at is not None) == (S.CANCELLED, True)


def test_after_too_many_lost_workers_the_job_fails_and_says_why(
    job: Job, settings: Settings
) -> None:
    settings.HEARTBEAT_S = 600  # on a slow machine the time that stands still looks like a jump
    for attempt in range(1, settings.MAX_LOST_ATTEMPTS + 1):
        assert job_claim(job_id=job.pk, worker="dead").attempt == attempt
        Job.objects.update(lease_until=silent())
        jobs_tick()
    row = Job.objects.get()
    assert (row.state, row.lost_attempts) == (S.FAILED, settings.MAX_LOST_ATTEMPTS)
    assert "memory" in row.error
    assert "Given up" in job_events(row).last().text


def test_a_job_that_ends_while_the_clock_looks_is_left_alone(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    Job.objects.update(lease_until=silent())
    take_back = clock.job_reclaim

    def late(*, job: Job) -> None:
        job_move(job=claimed, to=S.SUCCEEDED)
        take_back(job=job)

    monkeypatch.setattr(clock, "job_reclaim", late)
    jobs_tick()
    assert Job.objects.get().state == S.SUCCEEDED


def test_a_worker_that_is_heard_of_while_the_clock_looks_keeps_its_job(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = job_claim(job_id=job.pk, worker="slow")
    Job.objects.update(lease_until=silent())
    take_back = clock.job_reclaim

    def late(*, job: Job) -> None:
        job_renew_lease(job=claimed)
        take_back(job=job)

    monkeypatch.setattr(clock, "job_reclaim", late)
    jobs_tick()
    row = Job.objects.get()
    assert (row.state, row.lost_attempts) == (S.RUNNING, 0)


@pytest.fixture
def leased(job: Job) -> Callable[..., Any]:
    """A running job whose lease has just run out, and what a tick makes of it."""
    job_claim(job_id=job.pk, worker="alive")

    def tick() -> Job:
        Job.objects.update(lease_until=silent())
        jobs_tick()
        return Job.objects.get()

    return tick


def test_while_the_database_was_away_nobody_could_renew_a_lease_so_none_is_called_over(
    leased: Callable[..., Any],
) -> None:
    with pytest.raises(OperationalError), clock.jumps.listening():
        raise OperationalError("could not connect")
    assert leased().state == S.RUNNING
    # But once only: a worker that stays silent has died meanwhile.
    assert leased().state == S.QUEUED


def test_a_database_that_answers_late_could_not_be_reached_by_the_workers_either(
    leased: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    steady = iter([0.0, 20.0])
    monkeypatch.setattr(clock.jumps, "_monotonic", lambda: next(steady, 20.0))
    with clock.jumps.listening():
        pass
    assert leased().state == S.RUNNING


def test_a_database_that_answers_excuses_nobody(leased: Callable[..., Any]) -> None:
    with clock.jumps.listening():
        pass
    assert leased().state == S.QUEUED


def test_a_waiting_job_wakes_a_worker_again_once_a_minute(
    job: Job, sent: list[Any], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    sent.clear()
    with django_capture_on_commit_callbacks(execute=True):
        jobs_tick()
    assert sent == []
    Job.objects.update(woken_at=silent(61))
    with django_capture_on_commit_callbacks(execute=True):
        jobs_tick()
        jobs_tick()
    assert sent == [("worker.run_job", {"job_id": str(job.pk)})]


def test_messages_that_only_remind_do_not_pile_up_behind_a_long_job(
    job: Job,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    lives = []
    monkeypatch.setattr(
        "marketplace.queue._send", lambda task, arguments, expires_s: lives.append(expires_s)
    )
    Job.objects.update(woken_at=silent(61))
    with django_capture_on_commit_callbacks(execute=True):
        jobs_tick()
    assert lives == [120]


def test_a_machine_whose_clock_is_ahead_reminds_no_more_often(
    job: Job,
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    sent.clear()
    Job.objects.update(woken_at=silent(61))
    ahead = timezone.now() + timedelta(minutes=5)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    with django_capture_on_commit_callbacks(execute=True):
        jobs_tick()
        jobs_tick()
    assert len(sent) == 1


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The wall's clock and the one that cannot be set, both in our hands."""
    hands: dict[str, Any] = {"wall": datetime(2026, 1, 1, tzinfo=UTC), "steady": 100.0}
    monkeypatch.setattr(clock, "jumps", Jumps(monotonic=lambda: hands["steady"]))
    monkeypatch.setattr(clock, "database_now", lambda: hands["wall"])

    def tick(*, wall: int, steady: int) -> Job:
        hands["wall"] += timedelta(seconds=wall)
        hands["steady"] += steady
        jobs_tick()
        return Job.objects.get()

    return tick


def test_a_clock_that_jumps_ahead_costs_no_job_its_lease(
    job: Job, clocks: Callable[..., Any]
) -> None:
    job_claim(job_id=job.pk, worker="alive")
    Job.objects.update(lease_until=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=30))
    assert clocks(wall=0, steady=0).state == S.RUNNING
    row = clocks(wall=3600, steady=10)
    assert (row.state, row.lost_attempts) == (S.RUNNING, 0)
    assert row.lease_until > timezone.now()


def test_a_worker_that_stays_silent_after_the_jump_loses_its_job_all_the_same(
    job: Job, clocks: Callable[..., Any]
) -> None:
    job_claim(job_id=job.pk, worker="dead")
    clocks(wall=0, steady=0)
    clocks(wall=3600, steady=10)
    Job.objects.update(lease_until=datetime(2026, 1, 1, 1, tzinfo=UTC))
    assert clocks(wall=10, steady=10).state == S.QUEUED


def test_a_lease_from_a_clock_that_was_set_back_is_cut_short(job: Job, settings: Settings) -> None:
    job_claim(job_id=job.pk, worker="dead since")
    Job.objects.update(lease_until=timezone.now() + timedelta(hours=1))
    jobs_tick()
    row = Job.objects.get()
    assert row.state == S.RUNNING
    assert row.lease_until < timezone.now() + timedelta(seconds=settings.LEASE_S + 1)


def test_a_job_woken_by_a_clock_that_was_set_back_is_woken_again(
    job: Job, sent: list[Any], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    sent.clear()
    Job.objects.update(woken_at=timezone.now() + timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True):
        jobs_tick()
    assert sent == [("worker.run_job", {"job_id": str(job.pk)})]


def test_an_idempotency_key_is_kept_for_a_day(launch: Callable[..., Job]) -> None:
    job = launch(idempotency_key="k")
    jobs_tick()
    assert launch(idempotency_key="k") == job
    Job.objects.update(created_at=timezone.now() - timedelta(hours=25))
    jobs_tick()
    assert launch(idempotency_key="k", seed=2) != job
