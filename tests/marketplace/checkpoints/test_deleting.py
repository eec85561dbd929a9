"""What is left of a model that its owner has deleted, and who is told what of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.accounts.services import DELETED_USER, deleted_user
from marketplace.checkpoints.clock import checkpoints_tick
from marketplace.checkpoints.deleting import KEPT, deleted_forget
from marketplace.checkpoints.models import DELETED_MODEL, Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine
from marketplace.checkpoints.search import checkpoints_search
from marketplace.checkpoints.selectors import (
    checkpoints_editable_by,
    checkpoints_judged_by,
    checkpoints_visible_to,
    stored_bytes_of,
)
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import Conflict
from marketplace.jobs.models import Job
from marketplace.jobs.services import job_cancel
from marketplace.pools.models import Pool
from marketplace.uploads.models import Upload

SECRETS = ("heron", "wading", "estuary", "marsh", "alice", "weights.pth", "Botany")


@pytest.fixture
def model(make_checkpoint: Callable[..., Any], shared: Any) -> Checkpoint:
    """A model of Alice's that says something in every field."""
    return make_checkpoint(
        "heron",
        description="wading birds",
        dataset="estuary",
        class_names=["marsh", "heron"],
        file_name="weights.pth",
        reading={"left_out": [["heron", "marsh"]]},
        pending={"class_names": ["marsh", "x"]},
        reason="heron",
        consent_preview=True,
        idempotency_key="heron",
        request_digest="f" * 64,
        n_parameters=113_733,
        attempt=2,
        stored_by=2,
        original_until=timezone.now(),
        checked_at=timezone.now(),
        checked_pictures=2,
        checked_right=1,
        **shared.team,
    )


@pytest.fixture
def used(
    model: Checkpoint,
    make_checkpoint: Callable[..., Any],
    make_pool: Callable[..., Any],
    launch: Callable[..., Job],
) -> Job:
    """A public job of Alice's on a public pool with that model."""
    pool = make_pool(checkpoints=[make_checkpoint("owl"), model], visibility="public")
    return launch(pool=pool)


def test_a_model_that_no_job_has_used_leaves_no_row(model: Checkpoint, pool: Pool) -> None:
    checkpoint_delete(checkpoint=model)
    assert not Checkpoint.objects.filter(pk=model.pk).exists()
    assert not User.objects.filter(username=DELETED_USER).exists()


def test_a_model_that_a_job_has_used_leaves_what_its_lineage_needs_and_no_word_more(
    model: Checkpoint, used: Job
) -> None:
    checkpoint_delete(checkpoint=model)
    row = Checkpoint.objects.get(pk=model.pk)
    assert (row.state, str(row)) == (CheckpointState.DELETED, DELETED_MODEL)
    assert row.deleted_at is not None and row.owner == deleted_user()
    for name in KEPT:
        assert getattr(row, name) == getattr(model, name), name
    written = {field.name: getattr(row, field.attname) for field in row._meta.concrete_fields}
    text = json.dumps(written, default=str)
    assert not [word for word in SECRETS if word in text]
    assert not (row.consent_recovery or row.consent_preview or row.size_bytes or row.team_id)


def test_every_file_of_every_attempt_goes(
    model: Checkpoint, used: Job, stored: Callable[..., Any]
) -> None:
    keys = [storage.checkpoint_key(model.pk, attempt) for attempt in range(3)]
    for key in [*keys, storage.incoming_key(model.pk)]:
        storage.put_stream(key, ContentFile(b"weights"))
    checkpoint_delete(checkpoint=model)
    assert not [key for key in stored() if str(model.pk) in key]


def test_the_upload_that_described_it_goes_too(model: Checkpoint, used: Job, alice: User) -> None:
    Upload.objects.create(
        pk=model.pk, owner=alice, length=1, offset=1, fields={"name": "heron"},
        expires_at=timezone.now(), finished_at=timezone.now(),
    )  # fmt: skip
    checkpoint_delete(checkpoint=model)
    assert not Upload.objects.exists()


def test_the_database_keeps_no_name_of_a_deleted_model(model: Checkpoint, used: Job) -> None:
    checkpoint_delete(checkpoint=model)
    for change in ({"name": "heron"}, {"consent_recovery": True}, {"visibility": "public"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Checkpoint.objects.filter(pk=model.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Checkpoint.objects.exclude(pk=model.pk).update(state=CheckpointState.DELETED)


def test_no_one_finds_or_counts_it(
    client: Client,
    client_of: Callable[..., Any],
    model: Checkpoint,
    used: Job,
    alice: User,
    bob: User,
    sam: User,
) -> None:
    before = stored_bytes_of(alice)
    checkpoint_delete(checkpoint=model)
    assert stored_bytes_of(alice) == before - len(b"tensors")
    for person in (alice, bob, sam, deleted_user()):
        for rows in (checkpoints_visible_to, checkpoints_judged_by, checkpoints_editable_by):
            assert not rows(person).filter(pk=model.pk).exists(), (person, rows)
        assert not checkpoints_search(person, {}).filter(pk=model.pk).exists()
    for person in (alice, bob, sam):
        client.force_login(person)
        for name in ("detail", "edit", "download", "status", "classes"):
            url = reverse(f"checkpoint_{name}", args=[model.pk])
            assert client.get(url).status_code == 404, (person, name)
        api = client_of(person)
        address = f"/api/v1/checkpoints/{model.pk}/"
        assert [api.get(address).status_code, api.delete(address).status_code] == [404, 404]
        listed = api.get("/api/v1/checkpoints/?state=deleted").json()
        assert listed["results"] == []
    client.force_login(sam)
    assert str(model.pk) not in client.get("/operator/checkpoints/checkpoint/").content.decode()
    with pytest.raises(Conflict, match="deleted by its owner"):
        checkpoint_quarantine(checkpoint=model, by=None, reason="Too late.")
    with pytest.raises(Conflict, match="just been deleted"):
        checkpoint_delete(checkpoint=model)


def test_no_one_can_be_or_become_the_user_that_has_the_rows(client: Client, db: None) -> None:
    user = deleted_user()
    assert user == deleted_user()
    assert not user.is_active and not user.has_usable_password()
    said = {
        "username": DELETED_USER,
        "password1": "a-long-Secret-9",
        "password2": "a-long-Secret-9",
    }
    assert "valid username" in client.post("/accounts/signup/", said).content.decode()


def test_pages_and_api_of_its_pool_tell_hash_architecture_and_licence(
    client: Client,
    client_of: Callable[..., Any],
    model: Checkpoint,
    used: Job,
    alice: User,
    charlie: User,
) -> None:
    checkpoint_delete(checkpoint=model)
    for person in (alice, charlie):
        client.force_login(person)
        for address in (
            reverse("pool_detail", args=[used.pool_id]),
            reverse("job_detail", args=[used.pk]),
        ):
            page = client.get(address).content.decode()
            assert DELETED_MODEL in page and model.sha256 in page and "MIT" in page
            assert "heron" not in page
        row = client_of(person).get(f"/api/v1/pools/{used.pool_id}/").json()
        assert str(model.pk) not in row["checkpoints"]
        (left,) = row["deleted_checkpoints"]
        assert left.pop("deleted_at")
        assert left == {
            "sha256": model.sha256, "architecture": "conv4", "licence": "mit",
            "n_parameters": 113_733,
        }  # fmt: skip
        assert (row["fit"]["n_models"], row["fit"]["n_deleted"]) == (2, 1)
        assert row["fit"]["problems"][0].startswith("A model of this pool was deleted")


def test_what_is_left_goes_with_the_last_use_of_it(model: Checkpoint, used: Job) -> None:
    checkpoint_delete(checkpoint=model)
    deleted_forget()
    assert Checkpoint.objects.filter(pk=model.pk).exists()
    job_cancel(job=used, by=used.owner)
    checkpoints_tick()
    assert not Checkpoint.objects.filter(pk=model.pk).exists()
    assert used.pool.members.count() == 1
