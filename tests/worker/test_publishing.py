"""A meta-learner's files go into storage once, and come back as a folder."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_lose
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner as LearnerRow
from tests.worker.running import run
from tests.worker.toy import Toy
from worker import runner
from worker.publishing import StoredLearner, store_learner


def publishing_late(monkeypatch: pytest.MonkeyPatch, happening: Callable[..., Any]) -> None:
    """Lets something happen after the learner's files are stored and before its row is made."""
    store = runner.store_learner

    def late(job: Job, algorithm: Toy) -> StoredLearner:
        stored = store(job, algorithm)
        happening(job)
        return stored

    monkeypatch.setattr(runner, "store_learner", late)


def test_a_zombie_that_wakes_up_while_publishing_publishes_nothing(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch, stored: Callable[..., Any]
) -> None:
    def succeed_elsewhere(job: Job) -> None:
        monkeypatch.setattr(runner, "store_learner", store_learner)
        job_lose(job=Job.objects.get(pk=job.pk), reason="The worker went silent")
        run(Job.objects.get(pk=job.pk))
        LearnerRow.objects.update(name="named by its owner since")

    publishing_late(monkeypatch, succeed_elsewhere)
    job = run(queued_job)
    learner = LearnerRow.objects.get(job=job)
    files = stored("learners")
    assert learner.name == "named by its owner since"
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2)
    assert files and all(str(learner.pk) in name for name in files)
    assert sum("Finished" in event.text for event in job.events.all()) == 1


def test_files_of_an_attempt_that_died_while_publishing_are_taken_away(
    queued_job: Job, monkeypatch: pytest.MonkeyPatch, stored: Callable[..., Any]
) -> None:
    class Killed(BaseException):
        """The process is gone."""

    def die(job: Job) -> None:
        raise Killed

    publishing_late(monkeypatch, die)
    with pytest.raises(Killed):
        run(queued_job)
    monkeypatch.setattr(runner, "store_learner", store_learner)
    job_lose(job=Job.objects.get(), reason="The worker went silent")
    run(queued_job)
    learner = LearnerRow.objects.get()
    files = stored("learners")
    assert files and all(str(learner.pk) in name for name in files)
