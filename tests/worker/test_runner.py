"""A job's run: finish, second delivery, cancel, resume, silent worker, MetaLearnError, bug."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import torch
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings
from torch import Tensor

from marketplace.jobs.clock import jobs_tick
from marketplace.jobs.models import Job, MetricPoint
from marketplace.jobs.moves import job_claim, job_lose
from marketplace.jobs.services import job_cancel
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner as LearnerRow
from marketplace.queue import Task
from metalearn.algorithm import train
from metalearn.meta_learner import MetaLearner
from tests.worker.running import After, run
from tests.worker.toy import Toy, build_toy
from worker import retry, runner, shutdown
from worker.publishing import StoredLearner, learner_directory
from worker.retry import OutOfMemory
from worker.snapshots import StoredSnapshots


@pytest.fixture
def saves_after_every_step(settings: Settings) -> None:
    settings.SNAPSHOT_EVERY_S = 0


def never_stopped_weights(**settings: Any) -> Tensor:
    toy = build_toy(**settings)
    for _ in train(toy):
        pass
    return toy.layer.weight.detach()


def test_a_job_runs_to_its_end_and_publishes_a_meta_learner(queued_job: Job) -> None:
    job = run(queued_job)
    assert job.state == JobState.SUCCEEDED
    assert (job.steps_done, job.total_steps, job.attempt) == (6, 6, 1)
    assert job.finished_at and job.lease_until is None
    row = LearnerRow.objects.get(job=job)
    assert row.owner == job.owner
    assert {entry["path"] for entry in row.files} >= {
        "model.safetensors",
        "config.json",
        "README.md",
        "provenance.json",
    }
    assert [teacher["name"] for teacher in row.provenance] == ["teacher 0", "teacher 1"]
    assert MetaLearner.load(learner_directory(row)).image_size == 16


def test_curves_hold_every_step(queued_job: Job) -> None:
    run(queued_job)
    points = MetricPoint.objects.filter(job=queued_job)
    assert list(points.values_list("step", flat=True).order_by("step")) == [1, 2, 3, 4, 5, 6]
    assert set(points.values_list("name", flat=True)) == {"loss"}


def test_a_second_delivery_of_the_message_does_nothing(queued_job: Job) -> None:
    run(queued_job)
    before = Job.objects.values().get(pk=queued_job.pk)
    run(queued_job, build=lambda job: pytest.fail("it was built again"))
    assert Job.objects.values().get(pk=queued_job.pk) == before


def test_a_message_for_a_job_that_is_gone_does_nothing(transactional_db: None) -> None:
    runner.run_job("00000000-0000-0000-0000-000000000000")


def test_a_cancelled_job_stops_after_its_step_and_resumes_to_the_same_weights(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.reporting.REPORT_EVERY_S", 0)
    build = After(3, lambda job: job_cancel(job=Job.objects.get(pk=job.pk), by=job.owner))
    job = run(queued_job, build=build)
    assert job.state == JobState.CANCELLED
    assert job.steps_done == 3
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED)
    again = After(0, lambda job: None)
    assert run(job, build=again).state == JobState.SUCCEEDED
    assert torch.equal(again.algorithm.layer.weight, never_stopped_weights())


def test_a_snapshot_of_another_release_is_ignored_and_the_job_starts_over(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("worker.reporting.REPORT_EVERY_S", 0)
    stop = After(3, lambda job: job_cancel(job=Job.objects.get(pk=job.pk), by=job.owner))
    run(queued_job, build=stop)
    Job.objects.filter(pk=queued_job.pk).update(state=JobState.QUEUED)
    newer = After(0, lambda job: None)

    def with_another_part(job: Job) -> Toy:
        toy = newer(job)
        parts = toy.parts
        monkeypatch.setattr(toy, "parts", lambda: parts() | {"news": torch.nn.Linear(1, 1)})
        return toy

    assert run(queued_job, build=with_another_part).state == JobState.SUCCEEDED
    assert "starts over" in caplog.text
    assert torch.equal(newer.algorithm.layer.weight, never_stopped_weights())
    assert queued_job.events.filter(text__contains="Continues after step 0").exists()


def test_a_silent_worker_loses_the_job_and_changes_nothing_more(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.reporting.REPORT_EVERY_S", 0)

    def go_silent(job: Job) -> None:
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        jobs_tick()
        job_claim(job_id=job.pk, worker="the next one")

    job = run(queued_job, build=After(2, go_silent))
    assert job.state == JobState.RUNNING
    assert (job.attempt, job.worker, job.lost_attempts) == (2, "the next one", 1)
    assert not LearnerRow.objects.exists()


def test_after_a_worker_died_the_next_one_ends_with_the_same_weights(
    queued_job: Job, saves_after_every_step: None
) -> None:
    class Killed(BaseException):
        """Not even the broad catch sees it: the process is gone."""

    def die(job: Job) -> None:
        raise Killed

    with pytest.raises(Killed):
        run(queued_job, build=After(4, die))
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.RUNNING
    Job.objects.filter(pk=queued_job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    jobs_tick()
    again = After(0, lambda job: None)
    job = run(queued_job, build=again)
    assert job.state == JobState.SUCCEEDED
    assert job.attempt == 2
    assert job.events.filter(text__contains="Continues after step 3").exists()
    assert torch.equal(again.algorithm.layer.weight, never_stopped_weights())


def test_a_metalearn_error_is_shown_as_it_is(queued_job: Job) -> None:
    job = run(queued_job, build=lambda job: build_toy(fails_at=2))
    assert job.state == JobState.FAILED
    assert job.error == "The learning rate is too high; lower it."


def test_a_bug_is_logged_and_not_shown(queued_job: Job) -> None:
    with pytest.raises(RuntimeError, match="a secret detail"):
        run(queued_job, build=lambda job: build_toy(bug_at=2))
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.FAILED
    assert "secret" not in queued_job.error


def test_a_worker_that_is_stopped_puts_the_job_back(
    queued_job: Job, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "requested", lambda: True)
    job = run(queued_job)
    assert job.state == JobState.QUEUED
    assert (job.steps_done, job.lost_attempts) == (1, 0)
    assert sent == [(str(Task.RUN_JOB), {"job_id": str(job.pk)})]
    assert StoredSnapshots().load(job)["steps_done"] == 1


def test_snapshots_are_gone_after_the_end(
    queued_job: Job, saves_after_every_step: None, stored: Callable[..., Any]
) -> None:
    job = run(queued_job)
    assert stored("snapshots") == []
    assert job.snapshot_secret == ""


def test_a_database_that_is_away_for_a_moment_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter((OperationalError("gone"), OperationalError("gone"), "back"))
    monkeypatch.setattr(retry.time, "sleep", lambda seconds: None)

    def write() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retry.retry_transient(write)() == "back"


class Storage(StoredSnapshots):
    """Storage that is full for the first so many snapshots."""

    def __init__(self, full_for: int) -> None:
        self.full_for, self.tries = full_for, 0

    def save(
        self,
        job: Job,
        step: int,
        state: dict[str, dict[str, OrderedDict[str, Any] | dict[str, dict | list]] | int | Tensor],
    ) -> None:
        self.tries += 1
        if self.tries <= self.full_for:
            raise OSError(28, "No space left on device")
        super().save(job, step, state)


def test_a_full_disk_costs_snapshots_and_not_the_run(
    queued_job: Job, saves_after_every_step: None
) -> None:
    storage = Storage(full_for=100)
    runner.run_job(str(queued_job.pk), build=lambda job: build_toy(), snapshots=storage)
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.SUCCEEDED
    assert storage.tries == 6


def test_a_bug_in_saving_is_no_full_disk(
    queued_job: Job, saves_after_every_step: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "state_dict", lambda self: {"a set": {1}})
    with pytest.raises(TypeError, match="cannot be part of a snapshot"):
        run(queued_job)
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.FAILED


@pytest.mark.parametrize(
    ("error", "raised"),
    [(MemoryError(), OutOfMemory), (RuntimeError("a bug"), RuntimeError)],
    ids=repr,
)
def test_whatever_befalls_a_zombie_is_not_held_against_the_job(
    queued_job: Job, error: RuntimeError, raised: type[RuntimeError] | type[OutOfMemory]
) -> None:
    def go_silent(job: Job) -> None:
        job_lose(job=Job.objects.get(pk=job.pk), reason="The worker went silent")
        job_claim(job_id=job.pk, worker="the next one")
        raise error

    with pytest.raises(raised):
        run(queued_job, build=After(2, go_silent))
    queued_job.refresh_from_db()
    assert (queued_job.state, queued_job.worker) == (JobState.RUNNING, "the next one")
    assert queued_job.lost_attempts == 1


def test_storage_that_stays_away_fails_the_job_with_a_sentence(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "retry_transient", lambda function, **_: function)

    def away(job: Job) -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        run(queued_job, build=away)
    queued_job.refresh_from_db()
    assert queued_job.state == JobState.FAILED
    assert "resume" in queued_job.error


def test_a_last_move_whose_answer_got_lost_counts_as_made(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed, calls = runner._succeed, []

    def answer_gets_lost(job: Job, learner: StoredLearner) -> None:
        calls.append(1)
        succeed(job, learner)
        if len(calls) == 1:
            raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(runner, "_succeed", answer_gets_lost)
    monkeypatch.setattr(retry.time, "sleep", lambda seconds: None)
    job = run(queued_job)
    assert (job.state, job.snapshot_secret, len(calls)) == (JobState.SUCCEEDED, "", 2)
    assert LearnerRow.objects.filter(job=job).count() == 1


def test_steps_taken_again_are_named_in_the_log(
    queued_job: Job, saves_after_every_step: None
) -> None:
    Job.objects.update(steps_done=4)
    run(queued_job)
    assert queued_job.events.filter(text="Continues after step 0; repeated steps: 4.").exists()


def test_what_an_algorithm_notices_of_its_pool_stands_in_the_log_once(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "2 of 2 models have no batch-norm statistics."
    monkeypatch.setattr(Toy, "notices", lambda self: [said])

    stop = After(3, lambda job: job_cancel(job=Job.objects.get(pk=job.pk), by=job.owner))
    run(queued_job, build=stop)
    Job.objects.filter(pk=queued_job.pk).update(state=JobState.QUEUED)
    job = run(queued_job)
    assert job.state == JobState.SUCCEEDED
    assert job.events.filter(text__contains="Continues after step").exists()
    assert job.events.filter(text=said).count() == 1
