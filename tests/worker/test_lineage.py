"""What the files of a meta-learner say of the models that it was made from."""

import json

import pytest
from django.core.files.storage import default_storage

from marketplace import storage
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import PoolMember
from metalearn.checkpoint import Declaration, make_teacher, write_checkpoint
from metalearn.networks import NetworkSpec, build_network
from worker.pools import build_algorithm
from worker.runner import run_job


@pytest.fixture
def models(queued_job, tmp_path):
    """One public and one private model in the job's pool; the job ends at its first step."""
    facts = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "image_size": 16, "class_names": ("a", "b")}
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    write_checkpoint(make_teacher(network.state_dict(), Declaration(**facts)), tmp_path / "model")
    for position, visibility in enumerate(("public", "private")):
        row = Checkpoint.objects.create(
            owner=queued_job.owner,
            name=f"{visibility} birds",
            visibility=visibility,
            licence=Licence.MIT,
            channels=3,
            architecture="conv4",
            consent_recovery=True,
            upload_bytes=1,
            state=CheckpointState.VALID,
            **{name: list(value) if isinstance(value, tuple) else value
               for name, value in facts.items()},
        )  # fmt: skip
        storage.put_file(storage.checkpoint_key(row.pk), tmp_path / "model")
        PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=position)
    queued_job.algorithm = "average"
    queued_job.save(update_fields=["algorithm"])


def test_files_name_public_models_and_the_row_names_all(queued_job, models):
    run_job(str(queued_job.pk), build=build_algorithm)
    queued_job.refresh_from_db()
    assert queued_job.state == "succeeded", queued_job.error
    learner = MetaLearner.objects.get()
    assert [entry["name"] for entry in learner.provenance] == ["public birds", "private birds"]
    assert {entry["owner"] for entry in learner.provenance} == {"alice"}
    texts = {
        entry["path"]: default_storage.open(storage.learner_key(learner.pk, entry["path"])).read()
        for entry in learner.files
        if entry["path"].endswith((".json", ".md"))
    }
    assert not [path for path, text in texts.items() if b"private birds" in text]
    records = json.loads(texts["provenance.json"])
    assert [(one["name"], one["owner"]) for one in records] == [
        ("public birds", "alice"),
        ("model 2 of the pool", ""),
    ]
    assert "private birds" not in learner.card and "model 2 of the pool" in learner.card
