"""A job logs what it needs and which pictures it learns from, or says what this worker lacks."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import Settings

from contract.declared import DeclaredFile
from marketplace import storage
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import PoolMember
from metalearn.checkpoint import make_teacher, write_checkpoint
from metalearn.networks import NetworkSpec, build_network
from worker.loading import build_algorithm
from worker.runner import run_job


@pytest.fixture
def chorus_job(queued_job: Job, tmp_path: Path) -> Job:
    """A short run of Chorus on two models."""
    facts: dict[str, Any] = {
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
        "image_size": 16,
        "class_names": ["a", "b"],
    }
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    declared = DeclaredFile(16, (0.5,) * 3, (0.25,) * 3, ("a", "b"))
    write_checkpoint(make_teacher(network.state_dict(), declared), tmp_path / "model")
    for position in range(2):
        row = Checkpoint.objects.create(
            owner=queued_job.owner,
            name=f"model {position}",
            licence=Licence.MIT,
            channels=3,
            architecture="conv4",
            consent_recovery=True,
            upload_bytes=1,
            state=CheckpointState.VALID,
            **facts,
        )
        storage.put_file(storage.checkpoint_key(row.pk), tmp_path / "model")
        PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=position)
    queued_job.algorithm = "chorus"
    queued_job.settings = {
        "outer_steps": 2,
        "pictures_per_step": 32,
        "memory": 64,
        "updates_per_step": 1,
        "batch_size": 16,
        "learner_width": 4,
    }
    queued_job.save(update_fields=["algorithm", "settings"])
    return queued_job


def log_of(job: Job) -> list[str]:
    return list(job.events.order_by("pk").values_list("text", flat=True))


def test_a_job_says_once_what_it_needs(chorus_job: Job) -> None:
    run_job(str(chorus_job.pk), build=build_algorithm)
    chorus_job.refresh_from_db()
    assert chorus_job.state == "succeeded", chorus_job.error
    told = [text for text in log_of(chorus_job) if text.startswith("The run needs about")]
    assert len(told) == 1
    assert "MB of memory" in told[0] and "MB of disk" in told[0] and "minute" in told[0]


def test_a_job_that_goes_on_does_not_say_it_again(chorus_job: Job) -> None:
    chorus_job.steps_done = 1
    chorus_job.save(update_fields=["steps_done"])
    build_algorithm(chorus_job)
    assert not any("needs about" in text for text in log_of(chorus_job))


def test_a_job_that_needs_more_than_the_worker_has_fails_before_it_starts(
    chorus_job: Job, settings: Settings
) -> None:
    settings.WORKER_MEMORY_MB = 1
    run_job(str(chorus_job.pk), build=build_algorithm)
    chorus_job.refresh_from_db()
    assert chorus_job.state == "failed" and not chorus_job.steps_done
    assert "more than the 1 of FREEHOLD_WORKER_MEMORY_MB; " in chorus_job.error
    assert "raise FREEHOLD_WORKER_MEMORY_MB to" in chorus_job.error
    assert not default_storage.exists(storage.snapshot_prefix(chorus_job.pk))


@pytest.fixture
def asking_job(chorus_job: Job) -> Job:
    chorus_job.settings |= {"own_pictures": True}
    chorus_job.save(update_fields=["settings"])
    return chorus_job


def ended(job: Job) -> Job:
    run_job(str(job.pk), build=build_algorithm)
    job.refresh_from_db()
    return job


def test_a_job_learns_from_them_and_its_log_and_card_have_their_number_alone(
    asking_job: Job, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "secret place"
    folder.mkdir()
    for index in range(3):
        Image.new("RGB", (20, 20), (50 * index,) * 3).save(folder / f"holiday {index}.png")
    settings.WORKER_PICTURES = str(folder)
    assert ended(asking_job).state == "succeeded", asking_job.error
    learner = MetaLearner.objects.get()
    assert learner.config["made_by"]["operator_pictures"] == 3
    log = "\n".join(log_of(asking_job))
    assert "3 pictures in the operator's folder" in log
    assert not any(word in log + learner.card for word in ("holiday", "secret place"))


def test_where_the_worker_has_no_folder_the_job_says_what_to_do(asking_job: Job) -> None:
    assert ended(asking_job).state == "failed"
    assert "set own_pictures to false" in asking_job.error
    assert "FREEHOLD_WORKER_PICTURES" in asking_job.error


def test_an_empty_folder_is_told_without_its_path(
    asking_job: Job, settings: Settings, tmp_path: Path
) -> None:
    settings.WORKER_PICTURES = str(tmp_path)
    assert ended(asking_job).state == "failed"
    assert (
        "No file in the worker's folder of pictures can be read" in asking_job.error
        and str(tmp_path) not in asking_job.error
    )
