"""The only place that writes a job's state: moves, the fence, reports, the clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.jobs.clock import jobs_tick
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.moves import (
    POINTS_PER_CURVE,
    IllegalMove,
    LeaseLost,
    job_claim,
    job_move,
    job_renew_lease,
    job_report,
)
from marketplace.jobs.states import LEASED, MOVES, JobState

S = JobState


@pytest.fixture
def in_state(job: Job) -> Callable[..., Job]:
    """The job, put into a state from outside."""

    def put(state: JobState, **changes: Any) -> Job:
        Job.objects.filter(pk=job.pk).update(state=state, **changes)
        job.refresh_from_db()
        return job

    return put


def silent(seconds: int = 1) -> datetime:
    """A lease that ended so long ago."""
    return timezone.now() - timedelta(seconds=seconds)


@pytest.mark.parametrize("to", S)
@pytest.mark.parametrize("source", S)
def test_a_move_is_made_when_it_is_legal_and_refused_otherwise(
    in_state: Callable[..., Job], source: JobState, to: JobState
) -> None:
    job = in_state(source)
    if to in MOVES[source]:
        assert job_move(job=job, to=to).state == to
    else:
        with pytest.raises(IllegalMove, match="cannot become"):
            job_move(job=job, to=to)
        assert Job.objects.get().state == source


def test_a_move_can_be_narrowed_to_one_source(in_state: Callable[..., Job]) -> None:
    job = in_state(S.CANCELLING)
    with pytest.raises(IllegalMove):
        job_move(job=job, to=S.SUCCEEDED, only_from=S.RUNNING)
    assert job_move(job=job, to=S.SUCCEEDED, only_from=S.CANCELLING).state == S.SUCCEEDED


def test_the_lease_ends_with_the_run(job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    assert claimed.lease_until > timezone.now()
    assert job_move(job=claimed, to=S.CANCELLING).lease_until is not None
    assert job_move(job=claimed, to=S.CANCELLED).lease_until is None


def test_of_two_claims_one_wins(job: Job) -> None:
    first = job_claim(job_id=job.pk, worker="a")
    assert (first.attempt, first.state, first.worker) == (1, S.RUNNING, "a")
    with pytest.raises(IllegalMove):
        job_claim(job_id=job.pk, worker="b")
    assert Job.objects.get().worker == "a"


def test_of_two_claims_that_read_the_same_row_one_wins(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = Job.objects.select_related("pool", "owner").get()
    job_claim(job_id=job.pk, worker="a")
    with pytest.raises(IllegalMove):
        job_move(job=stale, to=S.RUNNING, only_from=S.QUEUED)


def test_a_job_that_is_not_there_cannot_be_claimed(db: None) -> None:
    with pytest.raises(IllegalMove):
        job_claim(job_id="00000000-0000-4000-8000-000000000000", worker="w")


def test_a_second_attempt_keeps_the_time_of_the_first(job: Job) -> None:
    first = job_claim(job_id=job.pk, worker="a")
    started = first.started_at
    job_move(job=first, to=S.QUEUED)
    second = job_claim(job_id=job.pk, worker="b")
    assert (second.attempt, second.started_at) == (2, started)


REPORT: dict[str, Any] = {"stage": "x", "steps_done": 1, "total_steps": 10, "eta_s": None}


@pytest.fixture
def zombie(job: Job) -> Job:
    """A worker that was given up for dead, while another one has the job."""
    dead = job_claim(job_id=job.pk, worker="dead")
    Job.objects.filter(pk=job.pk).update(lease_until=silent())
    jobs_tick()
    job_claim(job_id=job.pk, worker="alive")
    return dead


@pytest.mark.parametrize("to", [S.SUCCEEDED, S.FAILED, S.CANCELLING, S.QUEUED])
def test_a_zombie_moves_nothing(zombie: Job, to: JobState) -> None:
    with pytest.raises(IllegalMove):
        job_move(job=Job(pk=zombie.pk, attempt=1), to=to)
    row = Job.objects.get()
    assert (row.state, row.worker, row.attempt) == (S.RUNNING, "alive", 2)


def test_a_zombie_reports_nothing_and_renews_nothing(zombie: Job) -> None:
    before = Job.objects.values().get()
    stale = Job(pk=zombie.pk, attempt=1)
    with pytest.raises(LeaseLost):
        job_report(job=stale, **REPORT, metrics={1: {"loss": 1.0}})
    with pytest.raises(LeaseLost):
        job_renew_lease(job=stale)
    assert Job.objects.values().get() == before
    assert not MetricPoint.objects.exists()


@pytest.mark.parametrize("state", sorted(set(S) - LEASED))
def test_nobody_reports_about_a_job_that_does_not_run(
    in_state: Callable[..., Job], state: JobState
) -> None:
    job = in_state(state)
    with pytest.raises(LeaseLost):
        job_report(job=job, **REPORT, metrics={})


def test_a_report_answers_with_the_state_and_renews_the_lease(job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    Job.objects.update(lease_until=silent(60))
    assert job_report(job=claimed, **REPORT, metrics={}) == S.RUNNING
    job_move(job=claimed, to=S.CANCELLING)
    assert job_report(job=claimed, **REPORT, metrics={}) == S.CANCELLING
    assert job_renew_lease(job=claimed) == S.CANCELLING
    assert Job.objects.get().lease_until > timezone.now()


def test_a_long_curve_is_thinned_and_keeps_its_ends(job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    total = 5 * POINTS_PER_CURVE
    metrics = {step: {"loss": float(step)} for step in range(1, total + 1)}
    job_report(job=claimed, **{**REPORT, "total_steps": total}, metrics=metrics)
    steps = set(MetricPoint.objects.values_list("step", flat=True))
    assert len(steps) <= POINTS_PER_CURVE + 1
    assert {1, total} <= steps


def test_a_point_that_comes_again_changes_nothing(job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    for value in (1.0, 1.0):
        job_report(job=claimed, **REPORT, metrics={1: {"loss": value}})
    assert MetricPoint.objects.count() == 1


def test_what_is_not_a_number_is_left_out_of_the_curves(job: Job) -> None:
    claimed = job_claim(job_id=job.pk, worker="w")
    values = {"nan": float("nan"), "inf": float("inf"), "loss": 1.0}
    job_report(job=claimed, **REPORT, metrics={1: values})
    assert list(MetricPoint.objects.values_list("name", flat=True)) == ["loss"]
