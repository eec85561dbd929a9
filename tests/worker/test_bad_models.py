"""A model that gives no finite numbers costs a job the steps so far, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from contract.declared import DeclaredFile
from marketplace import storage
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.jobs.moves import LeaseLost, job_leave_out
from marketplace.jobs.states import JobState
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import PoolMember
from metalearn.algorithm import Algorithm
from metalearn.checkpoint import make_teacher, write_checkpoint
from metalearn.networks import NetworkSpec, build_network
from worker.loading import build_algorithm
from worker.runner import run_job

CLASSES = ("cat", "dog", "fox")
BAD = 1
TINY = {
    "outer_steps": 2, "warm_up_steps": 1, "replay_steps": 1, "n_way": 2, "images_per_class": 2,
    "generator_width": 8, "generator_steps": 1, "learner_width": 4, "replay_batches": 1,
    "replay_episodes": 1, "k_shot": 1, "n_query": 1, "precision": "fp32", "teachers_per_step": 2,
}  # fmt: skip


@pytest.fixture
def job(queued_job: Job, tmp_path: Path) -> Job:
    """FREE on three real models."""
    for place in range(3):
        declared = DeclaredFile(
            image_size=32, class_names=CLASSES, mean=(0.5,) * 3, std=(0.25,) * 3
        )
        network = build_network(NetworkSpec("conv4", 4, 3, 32, len(CLASSES)))
        write_checkpoint(make_teacher(network.state_dict(), declared), tmp_path / "model")
        row = Checkpoint.objects.create(
            owner=queued_job.owner,
            name=f"model {place}",
            licence=Licence.MIT,
            class_names=list(CLASSES),
            image_size=32,
            channels=3,
            architecture="conv4",
            mean=[0.5] * 3,
            std=[0.25] * 3,
            consent_recovery=True,
            upload_bytes=1,
            state=CheckpointState.VALID,
        )
        storage.put_file(storage.checkpoint_key(row.pk), tmp_path / "model")
        PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=place)
    Job.objects.filter(pk=queued_job.pk).update(algorithm="free", settings=TINY)
    queued_job.refresh_from_db()
    return queued_job


def build_with_bad(bad: set[int]) -> Callable[[Job], Algorithm]:
    """Load the job's models; those at these places overflow, as validation cannot rule out."""

    def build(job: Job) -> Algorithm:
        algorithm = build_algorithm(job)
        for place, teacher in zip(algorithm.pool.places, algorithm.pool.teachers, strict=True):
            if place in bad:
                teacher.network.output_layer.weight.data.fill_(3e38)
        return algorithm

    return build


def texts(job: Job) -> list[str]:
    return list(job.events.values_list("text", flat=True))


@pytest.mark.long
def test_the_run_starts_over_without_it_and_says_so(job: Job) -> None:
    run_job(str(job.pk), build=build_with_bad({BAD}))
    job.refresh_from_db()
    assert (job.state, job.error, job.left_out) == (JobState.SUCCEEDED, "", [BAD])
    assert any("“model 1” gave outputs" in text and "without it" in text for text in texts(job))
    used = [entry["name"] for entry in MetaLearner.objects.get().provenance]
    assert used == ["model 0", "model 2"]
    assert job.attempt == 1


@pytest.mark.long
def test_where_the_operator_says_so_the_job_fails_and_names_it(
    job: Job, settings: Settings
) -> None:
    settings.LEAVE_OUT_BAD_MODELS = False
    run_job(str(job.pk), build=build_with_bad({BAD}))
    job.refresh_from_db()
    assert (job.state, job.left_out) == (JobState.FAILED, [])
    assert "“model 1” gave outputs or gradients that are not finite" in job.error


@pytest.mark.long
def test_one_good_model_is_no_pool(job: Job) -> None:
    run_job(str(job.pk), build=build_with_bad({0, 1}))
    job.refresh_from_db()
    assert job.state == JobState.FAILED and len(job.left_out) == 1
    assert "not finite numbers" in job.error


def test_the_next_worker_goes_on_without_it_too(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(left_out=[BAD])
    job.refresh_from_db()
    assert build_algorithm(job).pool.places == (0, 2)


def test_a_worker_that_lost_the_job_leaves_out_nothing(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, attempt=5)
    with pytest.raises(LeaseLost):
        job_leave_out(job=job, place=BAD, reason="It was bad.")
    job.refresh_from_db()
    assert job.left_out == [] and not texts(job)
