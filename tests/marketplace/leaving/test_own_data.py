"""What a person is given of what an instance holds of them: all of it, and no secret."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder

from marketplace.accounts.models import Team, User
from marketplace.accounts.services import token_create
from marketplace.audit.models import Record
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.jobs.models import Job, MetricPoint
from marketplace.learners.models import MetaLearner
from marketplace.leaving.own_data import (
    account_data,
    audit_data,
    checkpoint_data,
    in_batches,
    jobs_data,
    learner_data,
    pools_data,
    uploads_data,
)


def test_an_account_is_told_without_its_secrets(alice: User, team: Team) -> None:
    User.objects.update(first_name="Alice", email="a@example.org")
    alice.refresh_from_db()
    token, secret = token_create(user=alice, name="script")
    EmailAddress.objects.create(user=alice, email="a@example.org")
    Authenticator.objects.create(user=alice, type="totp", data={"secret": "hush"})
    UserSession.objects.create(user=alice, ip="192.0.2.1", session_key="k" * 32, user_agent="x")
    data = account_data(alice)
    assert data["profile"]["email"] == "a@example.org" and data["profile"]["username"] == "alice"
    assert data["teams"] == [{"id": team.pk, "name": "Botany", "role": "owner"}]
    assert [row["prefix"] for row in data["tokens"]] == [token.prefix]
    assert [row["ip"] for row in data["sessions"]] == ["192.0.2.1"]
    assert [row["type"] for row in data["second_factors"]] == ["totp"]
    text = json.dumps(data, cls=DjangoJSONEncoder)
    for hidden in (secret, token.digest, alice.password, "hush", "k" * 32):
        assert hidden not in text


def test_models_uploads_and_records_are_ones_own(
    make_checkpoint: Callable[..., Any], make_upload: Callable[..., Any], alice: User, bob: User
) -> None:
    model = make_checkpoint("wren", idempotency_key="key")
    data = checkpoint_data(model)
    assert data["class_names"] == ["wren 0", "wren 1", "wren 2"]
    assert not {"owner", "idempotency_key", "attempt"} & data.keys()
    make_upload()
    (upload,) = uploads_data(alice)
    assert upload["fields"]["name"] == "coming" and not list(uploads_data(bob))
    token_create(user=alice, name="one")
    token_create(user=bob, name="two")
    assert [row["details"]["name"] for row in audit_data(alice)] == ["one"]


def test_other_peoples_models_in_a_pool_are_told_as_far_as_they_are_shared(
    make_checkpoint: Callable[..., Any],
    make_pool: Callable[..., Any],
    launch: Callable[..., Job],
    alice: User,
    bob: User,
) -> None:
    public = {"owner": bob, "visibility": "public"}
    rows = [make_checkpoint("mine"), *(make_checkpoint(name, **public) for name in "abc")]
    pool = make_pool("birds", checkpoints=rows)
    launch(pool=pool)
    Checkpoint.objects.filter(pk=rows[2].pk).update(visibility="private")
    checkpoint_delete(checkpoint=rows[3])
    (data,) = (row for row in pools_data(alice) if row["name"] == "birds")
    assert data["models"] == [
        {"id": rows[0].pk, "name": "mine", "owner": "alice"},
        {"id": rows[1].pk, "name": "a", "owner": "bob"},
        {"hidden": True},
        {"deleted": True, "sha256": "1" * 64, "architecture": "conv4", "licence": "mit"},
    ]


def test_a_job_comes_with_curves_and_log_and_a_learner_with_its_lineage(
    learner: MetaLearner, alice: User
) -> None:
    MetricPoint.objects.create(job=learner.job, name="loss", step=1, value=0.5)
    (job,) = jobs_data(alice)
    assert job["curves"] == {"loss": [[1, 0.5]]} and job["events"][0]["text"].startswith("Queued")
    assert "snapshot_secret" not in job
    data = learner_data(learner, alice)
    assert data["name"] == learner.name and data["provenance"][0]["name"]


def test_batches_give_every_row_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketplace.leaving.own_data._BATCH", 2)
    for name in "abcd":
        token_create(user=alice, name=name)
    rows = list(in_batches(Record.objects.all()))
    assert [row.number for row in rows] == sorted(Record.objects.values_list("number", flat=True))
