"""What meta-learners keep of a model that its owner has deleted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.checkpoints.models import DELETED_MODEL, Checkpoint
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import DomainError
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_launch
from marketplace.learners.models import MetaLearner
from marketplace.learners.selectors import (
    CLOSED,
    learner_lineage,
    learners_usable_by,
    learners_visible_to,
)
from marketplace.learners.services import (
    ModelDeleted,
    learner_change,
    learner_publish,
    learners_rename_pool,
)
from tests.marketplace.conftest import publish


@pytest.fixture
def models(make_checkpoint: Callable[..., Any], shared: Any) -> list[Checkpoint]:
    """Two public models of Alice's."""
    return [make_checkpoint(name, **shared.public) for name in ("heron", "owl")]


@pytest.fixture
def bobs(
    models: list[Checkpoint], make_pool: Callable[..., Any], bob: User, catalogue: None
) -> MetaLearner:
    """Bob's public learner of them."""
    pool = make_pool(owner=bob, checkpoints=models, visibility="public")
    learner = publish(job_launch(owner=bob, pool=pool, algorithm="free", settings={}))
    provenance = [
        {
            "name": row.name,
            "owner": "alice",
            "sha256": row.sha256,
            "licence": "mit",
            "consent": True,
        }
        for row in models
    ]
    MetaLearner.objects.update(visibility="public", provenance=provenance)
    learner.refresh_from_db()
    return learner


def test_its_lineage_tells_hash_and_licence_and_the_row_keeps_no_name(
    client: Client,
    client_of: Callable[..., Any],
    models: list[Checkpoint],
    bobs: MetaLearner,
    alice: User,
    bob: User,
    sam: User,
) -> None:
    checkpoint_delete(checkpoint=models[0])
    bobs.refresh_from_db()
    assert "heron" not in str(bobs.provenance) and bobs.provenance[1]["name"] == "owl"
    for person in (alice, bob, sam):
        first, second = learner_lineage(bobs, person)
        assert first == {
            "name": DELETED_MODEL, "owner": "", "sha256": models[0].sha256, "licence": "mit",
            "consent": True, "architecture": "conv4", "copied": False, "deleted": True,
        }  # fmt: skip
        assert (second["name"], second["deleted"]) == ("owl", False)
        client.force_login(person)
        page = client.get(reverse("learner_detail", args=[bobs.pk])).content.decode()
        assert DELETED_MODEL in page and "heron" not in page
        api = client_of(person).get(f"/api/v1/learners/{bobs.pk}/").json()
        assert api["provenance"][0] == first


def test_a_record_with_a_place_of_its_own_is_the_one_that_forgets(
    models: list[Checkpoint], bobs: MetaLearner
) -> None:
    records = [{"name": "owl", "owner": "alice", "place": 1}, {"name": "lost", "place": -1}]
    MetaLearner.objects.update(provenance=records)
    checkpoint_delete(checkpoint=models[1])
    bobs.refresh_from_db()
    assert bobs.provenance == [{"place": 1}, {"name": "lost", "place": -1}]


def test_a_learner_that_was_only_taught_by_it_stays_usable(
    models: list[Checkpoint], bobs: MetaLearner, charlie: User
) -> None:
    checkpoint_delete(checkpoint=models[0])
    assert bobs in learners_usable_by(charlie)


def test_a_copy_of_it_is_had_by_no_one_and_its_files_go(
    client: Client,
    models: list[Checkpoint],
    bobs: MetaLearner,
    alice: User,
    bob: User,
    charlie: User,
    sam: User,
    stored: Callable[..., Any],
) -> None:
    bobs.copied_models.set(models[:1])
    assert [key for key in stored() if str(bobs.pk) in key]
    checkpoint_delete(checkpoint=models[0])
    for person in (alice, bob, charlie, sam):
        assert bobs not in learners_usable_by(person), person
        assert (bobs in learners_visible_to(person)) == (person == bob)
    assert not [key for key in stored() if str(bobs.pk) in key]
    client.force_login(bob)
    page = client.get(reverse("learner_detail", args=[bobs.pk])).content.decode()
    assert CLOSED in page and "holds its weights" in page and "heron" not in page
    assert client.get(reverse("learner_download", args=[bobs.pk])).status_code == 404
    learner_change(learner=bobs, by=bob, values={"visibility": "private"})
    with pytest.raises(DomainError, match="a model that its owner has deleted; keep it private"):
        learner_change(learner=bobs, by=bob, values={"visibility": "public"})


def test_no_learner_is_published_from_a_pool_with_a_deleted_model(
    job: Job, stored: Callable[..., Any]
) -> None:
    row = job.pool.checkpoints.first()
    assert row is not None
    checkpoint_delete(checkpoint=row)
    with pytest.raises(ModelDeleted, match="deleted by its owner"):
        learner_publish(job=job, learner_id=job.pk, config={}, card="", provenance=[], files=[])
    assert not MetaLearner.objects.exists()


@pytest.mark.parametrize("before", ["a", "birds (2)"])
def test_a_pools_former_name_leaves_what_was_called_after_it_and_nothing_else(
    bobs: MetaLearner, before: str
) -> None:
    pool = bobs.job.pool
    pool.name = "a pool of a closed account"
    was, now = (f"FREE on {name}" for name in (before, pool.name))
    card = f"---\narchitecture: a\n---\n\n# FREE on {before}\n\nA card.\n\n## Input\n"
    for name in (was, "My own"):
        MetaLearner.objects.update(name=name, card=card, config={"made_by": {"name": was}})
        learners_rename_pool(pool=pool, before=before)
        bobs.refresh_from_db()
        assert bobs.name == (now if name == was else "My own")
        assert bobs.config == {"made_by": {"name": now}}
        assert bobs.card == card.replace(f"# FREE on {before}", f"# {now}")
