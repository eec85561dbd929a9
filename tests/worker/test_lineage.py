"""What the files of a meta-learner say of the models that it was made from."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from contract.declared import DeclaredFile
from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint, Licence
from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import NOT_SHARED, learner_lineage
from marketplace.pools.models import PoolMember
from metalearn.checkpoint import make_teacher, write_checkpoint
from metalearn.networks import NetworkSpec, build_network
from worker.loading import build_algorithm
from worker.runner import run_job

FACTS: dict[str, Any] = {
    "mean": (0.5,) * 3,
    "std": (0.25,) * 3,
    "image_size": 16,
    "class_names": ("a", "b"),
}


@pytest.fixture
def models(queued_job: Job, tmp_path: Path) -> None:
    """Three models in the job's pool: a public and a private one of Alice's, and one of Bob's."""
    network = build_network(NetworkSpec("conv4", 4, 3, 16, 2))
    write_checkpoint(make_teacher(network.state_dict(), DeclaredFile(**FACTS)), tmp_path / "model")
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
               for name, value in FACTS.items()},
        )  # fmt: skip
        storage.put_file(storage.checkpoint_key(row.pk), tmp_path / "model")
        PoolMember.objects.create(pool=queued_job.pool, checkpoint=row, position=position)
    queued_job.algorithm = "average"
    queued_job.save(update_fields=["algorithm"])


def test_files_name_public_and_own_models_and_the_row_names_all(
    queued_job: Job, models: None
) -> None:
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
    assert b"## Made from" in texts["README.md"] and "## Limits" in learner.card
    names = {*(one["name"] for one in records + learner.provenance), "alice", "bob"}
    assert "Made from" not in learner.card
    assert not [name for name in names if name in learner.card.replace(learner.name, "")]


@pytest.mark.parametrize(
    ("algorithm", "chosen", "copied"),
    [
        ("average", {}, {"public birds", "private birds", "others' birds"}),
        ("teacher_ensemble", {"members": 2}, {"public birds", "private birds"}),
        ("best_teacher", {"rule": "first"}, {"public birds"}),
        ("random_init", {}, set()),
    ],
)
def test_the_row_knows_whose_weights_the_learner_holds(
    queued_job: Job, models: None, algorithm: str, chosen: dict[str, Any], copied: set[Any]
) -> None:
    learner = made(queued_job, algorithm, chosen)
    assert {row.name for row in learner.copied_models.all()} == copied
    assert {one["name"] for one in learner.provenance if one.get("copied")} == copied
    # A private model is among them: the public job's learner is published no wider.
    wider = "private birds" in copied
    assert learner.visibility == ("private" if wider else "public")


def test_a_run_that_uses_a_part_of_the_pool_names_the_models_of_that_part(
    queued_job: Job, models: None, tmp_path: Path
) -> None:
    """Of three, the first has another shape: the average is that of the second and the third."""
    first = Checkpoint.objects.get(name="public birds")
    network = build_network(NetworkSpec("conv4", 8, 3, 16, 2))
    write_checkpoint(make_teacher(network.state_dict(), DeclaredFile(**FACTS)), tmp_path / "wide")
    storage.put_file(storage.checkpoint_key(first.pk), tmp_path / "wide")
    learner = made(queued_job, "average", {})
    assert [(one["name"], one["place"]) for one in learner.provenance] == [
        ("private birds", 1),
        ("others' birds", 2),
    ]
    assert {row.name for row in learner.copied_models.all()} == {"private birds", "others' birds"}
    stranger = User.objects.create_user("stranger", password="x")
    assert {one["name"] for one in learner_lineage(learner, stranger)} == {NOT_SHARED}


def made(job: Job, algorithm: str, settings: dict[str, Any]) -> MetaLearner:
    """What a public job of the algorithm makes."""
    job.algorithm, job.settings, job.visibility = algorithm, settings, "public"
    job.save(update_fields=["algorithm", "settings", "visibility"])
    run_job(str(job.pk), build=build_algorithm)
    job.refresh_from_db()
    assert job.state == "succeeded", job.error
    return MetaLearner.objects.get()
