"""What the files of a meta-learner say of the models that it was made from."""

import json

import pytest
from django.core.files.storage import default_storage

from marketplace import storage
from marketplace.accounts.models import User
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
    """Three models in the job's pool: a public and a private one of Alice's, and one of Bob's."""
    facts = {"mean": (0.5,) * 3, "std": (0.25,) * 3, "image_size": 16, "class_names": ("a", "b")}
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    write_checkpoint(make_teacher(network.state_dict(), Declaration(**facts)), tmp_path / "model")
    bob = User.objects.create_user("bob", password="x")
    owned = (
        (queued_job.owner, "public", "public birds"),
        (queued_job.owner, "private", "private birds"),
        (bob, "private", "others' birds"),
    )
    for position, (owner, visibility, name) in enumerate(owned):
        row = Checkpoint.objects.create(
            owner=owner,
            name=name,
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


def test_files_name_public_and_own_models_and_the_row_names_all(queued_job, models):
    run_job(str(queued_job.pk), build=build_algorithm)
    queued_job.refresh_from_db()
    assert queued_job.state == "succeeded", queued_job.error
    learner = MetaLearner.objects.get()
    assert [entry["name"] for entry in learner.provenance] == [
        "public birds",
        "private birds",
        "others' birds",
    ]
    assert [entry["owner"] for entry in learner.provenance] == ["alice", "alice", "bob"]
    texts = {
        entry["path"]: default_storage.open(storage.learner_key(learner.pk, entry["path"])).read()
        for entry in learner.files
        if entry["path"].endswith((".json", ".md"))
    }
    assert not [path for path, text in texts.items() if b"others' birds" in text]
    records = json.loads(texts["provenance.json"])
    assert [(one["name"], one["owner"]) for one in records] == [
        ("public birds", "alice"),
        ("private birds", "alice"),
        ("model 3 of the pool", ""),
    ]
    assert "others' birds" not in learner.card and "model 3 of the pool" in learner.card
