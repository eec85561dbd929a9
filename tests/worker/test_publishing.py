"""A meta-learner's files go into storage once, and come back as a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from marketplace import storage
from marketplace.algorithms.selectors import algorithms_published, architectures_published
from marketplace.jobs.models import Job
from marketplace.jobs.moves import job_lose
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner as LearnerRow
from metalearn.registry import all_algorithms
from tests.worker.running import run
from tests.worker.toy import Toy, build_toy
from worker import publishing, runner
from worker.publishing import (
    StoredLearner,
    file_sha256,
    learner_directory,
    publish_catalogue,
    store_learner,
)


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


def test_the_web_is_told_of_every_algorithm_and_of_our_architectures_first(
    transactional_db: None,
) -> None:
    publish_catalogue()
    assert {row.name for row in algorithms_published()} == set(all_algorithms())
    names = [row.name for row in architectures_published()]
    ours = [name for name in names if "/" not in name]
    assert "conv4" in ours and names[: len(ours)] == ours


def test_every_file_of_a_learner_is_stored_with_its_size_and_hash(
    queued_job: Job, stored: Callable[..., Any]
) -> None:
    found = store_learner(queued_job, build_toy())
    keys = {storage.learner_key(found.learner_id, entry["path"]) for entry in found.files}
    assert keys == set(stored("learners"))
    for entry in found.files:
        with storage.local_copy(storage.learner_key(found.learner_id, entry["path"])) as path:
            assert (path.stat().st_size, file_sha256(path)) == (entry["size"], entry["sha256"])
    found.remove()
    assert stored("learners") == []


def test_files_of_a_remote_storage_are_fetched_once(
    queued_job: Job, own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = store_learner(queued_job, build_toy()).publish()
    monkeypatch.setattr(storage, "local_directory", lambda key: None)
    folder = learner_directory(row)
    assert folder.is_relative_to(own_files / "cache")
    assert {path.name for path in folder.iterdir()} >= {"config.json", "model.safetensors"}
    monkeypatch.setattr(publishing.storage, "fetch", None)
    assert learner_directory(row) == folder
