"""A job says on its page what it needs, or why this worker cannot give it."""

import pytest
from django.core.files.storage import default_storage

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState
from marketplace.pools.models import PoolMember
from metalearn.checkpoint import Declaration, make_teacher, write_checkpoint
from metalearn.networks import NetworkSpec, build_network
from worker.pools import build_algorithm
from worker.runner import run_job


@pytest.fixture
def chorus_job(queued_job, tmp_path):
    """A short run of Chorus on two models."""
    facts = {"mean": [0.5] * 3, "std": [0.25] * 3, "image_size": 16, "class_names": ["a", "b"]}
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    declared = Declaration(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in facts.items()}
    )
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


def log_of(job) -> list[str]:
    return list(job.events.order_by("pk").values_list("text", flat=True))


def test_a_job_says_once_what_it_needs(chorus_job):
    run_job(str(chorus_job.pk), build=build_algorithm)
    chorus_job.refresh_from_db()
    assert chorus_job.state == "succeeded", chorus_job.error
    told = [text for text in log_of(chorus_job) if text.startswith("The run needs about")]
    assert len(told) == 1
    assert "MB of memory" in told[0] and "MB of disk" in told[0] and "minute" in told[0]


def test_a_job_that_goes_on_does_not_say_it_again(chorus_job):
    chorus_job.steps_done = 1
    chorus_job.save(update_fields=["steps_done"])
    build_algorithm(chorus_job)
    assert not any("needs about" in text for text in log_of(chorus_job))


def test_a_job_that_needs_more_than_the_worker_has_fails_before_it_starts(chorus_job, settings):
    settings.WORKER_MEMORY_MB = 1
    run_job(str(chorus_job.pk), build=build_algorithm)
    chorus_job.refresh_from_db()
    assert chorus_job.state == "failed" and not chorus_job.steps_done
    assert "more than the 1 of FREEHOLD_WORKER_MEMORY_MB; " in chorus_job.error
    assert "raise FREEHOLD_WORKER_MEMORY_MB to" in chorus_job.error
    assert not default_storage.exists(storage.snapshot_prefix(chorus_job.pk))
