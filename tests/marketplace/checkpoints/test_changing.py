"""Changing what a worker checks: who may, when, and from which file it is read again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from contract.declared import DECLARED
from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.audit.states import Act
from marketplace.checkpoints.changing import checkpoint_change, locked_fields
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.errors import Conflict, DomainError
from marketplace.jobs.models import Job
from marketplace.pools.models import Pool
from marketplace.queue import Task
from marketplace.uploads.quota import storage_used_by

S = CheckpointState
NAMES = ["wren", "owl", "jay"]


def tomorrow() -> datetime:
    return timezone.now() + timedelta(hours=23)


@pytest.fixture
def rejected(make_checkpoint: Callable[..., Any]) -> Checkpoint:
    """Of Alice, with its file still there."""
    return make_checkpoint(state=S.REJECTED, reason="Name 3.", original_until=tomorrow(), attempt=1)


@pytest.fixture
def change(
    alice: User, sent: list[Any], django_capture_on_commit_callbacks: Callable[..., Any]
) -> Callable[..., list[Any]]:
    """Alice changes a model; what was asked of the workers."""

    def make(row: Checkpoint, **values: Any) -> list[Any]:
        sent.clear()
        with django_capture_on_commit_callbacks(execute=True):
            checkpoint_change(checkpoint=row, by=alice, values=values)
        return [task for task, _ in sent]

    return make


def test_a_rejected_model_is_changed_at_once_and_read_again(
    rejected: Checkpoint, change: Callable[..., list[Any]]
) -> None:
    Checkpoint.objects.update(lost_attempts=2)
    assert change(rejected, class_names=[" wren", "owl", "jay"]) == [Task.VALIDATE_CHECKPOINT]
    row = Checkpoint.objects.get()
    assert (row.state, row.class_names, row.pending) == (S.UPLOADED, NAMES, {})
    assert (row.reason, row.lost_attempts, row.attempt) == ("", 0, 1)
    assert row.reads_original and row.original_until == rejected.original_until


def test_a_valid_model_keeps_what_it_has_until_a_worker_has_checked_the_change(
    make_checkpoint: Callable[..., Any], change: Callable[..., list[Any]]
) -> None:
    row = make_checkpoint()
    before = list(row.class_names)
    assert change(row, class_names=NAMES, description="new") == [Task.VALIDATE_CHECKPOINT]
    row = Checkpoint.objects.get()
    assert (row.class_names, row.pending) == (before, {"class_names": NAMES})
    assert (row.state, row.description) == (S.UPLOADED, "new")
    assert not row.reads_original


def test_while_it_is_checked_only_its_owner_sees_it(
    make_checkpoint: Callable[..., Any],
    change: Callable[..., list[Any]],
    alice: User,
    charlie: User,
    shared: Any,
) -> None:
    row = make_checkpoint(**shared.public)
    change(row, image_size=16)
    seen = [checkpoints_visible_to(person).exists() for person in (alice, charlie)]
    assert seen == [True, False]


@pytest.mark.parametrize(
    "values",
    [
        {"name": "another name"},
        {"class_names": ["birds 0", "birds 1", "birds 2"], "mean": [0.5] * 3, "channels": 3},
        {"class_names": ("birds 0", " birds 1", "birds  2"), "architecture": "conv4"},
        {},
    ],
    ids=["name", "as it was", "nearly as it was", "nothing"],
)
def test_what_no_worker_needs_to_check_is_changed_without_one(
    make_checkpoint: Callable[..., Any], change: Callable[..., list[Any]], values: dict[str, Any]
) -> None:
    row = make_checkpoint()
    assert change(row, **values) == []
    assert Checkpoint.objects.get().state == S.VALID
    assert row.name == values.get("name", "birds")


def test_the_next_change_forgets_the_refusal_of_the_last(
    make_checkpoint: Callable[..., Any], change: Callable[..., list[Any]]
) -> None:
    row = make_checkpoint(reason="Name 3.", pending={"class_names": ["one", "two"]})
    change(row, description="new")
    assert (row.reason, row.pending) == ("", {})


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "  "}, "name"),
        ({"class_names": ["one"]}, "class_names"),
        ({"image_size": 4}, "image_size"),
        ({"channels": 1}, "mean"),
        ({"std": [0, 1, 1]}, "std"),
        ({"weights": "best"}, "weights"),
        ({"architecture": "resnet"}, "architecture"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_as_a_whole(
    rejected: Checkpoint,
    catalogue: None,
    change: Callable[..., list[Any]],
    values: dict[str, Any],
    field: str,
) -> None:
    with pytest.raises(DomainError) as caught:
        change(rejected, description="new", **values)
    assert field in caught.value.fields
    assert Checkpoint.objects.get().description == ""


def test_an_architecture_that_is_not_published_any_more_hinders_no_other_change(
    make_checkpoint: Callable[..., Any], catalogue: None, change: Callable[..., list[Any]]
) -> None:
    row = make_checkpoint(architecture="timm/forgotten")
    assert change(row, class_names=NAMES)
    assert row.pending == {"class_names": NAMES}


def test_of_a_rejected_file_that_is_gone_nothing_can_be_read_again(
    rejected: Checkpoint, change: Callable[..., list[Any]]
) -> None:
    Checkpoint.objects.update(original_until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Conflict, match="upload it again"):
        change(rejected, class_names=NAMES)
    assert change(rejected, description="new") == []


@pytest.mark.parametrize("values", [{"architecture": "resnet10"}, {"weights": "raw"}])
def test_without_its_upload_a_valid_model_keeps_architecture_and_weights(
    make_checkpoint: Callable[..., Any], change: Callable[..., list[Any]], values: dict[str, str]
) -> None:
    row = make_checkpoint(original_until=timezone.now() - timedelta(hours=1))
    with pytest.raises(Conflict, match="no longer kept"):
        change(row, **values)
    change(row, class_names=NAMES)
    assert not row.reads_original
    with_upload = make_checkpoint(original_until=tomorrow())
    change(with_upload, **values)
    assert with_upload.reads_original and with_upload.pending == values


@pytest.mark.parametrize("state", [S.UPLOADED, S.VALIDATING])
def test_nothing_is_changed_under_the_eyes_of_a_worker(
    make_checkpoint: Callable[..., Any], change: Callable[..., list[Any]], state: CheckpointState
) -> None:
    row = make_checkpoint(state=state)
    with pytest.raises(Conflict, match="once it has finished"):
        change(row, class_names=NAMES)
    assert change(row, description="new") == []


@pytest.mark.parametrize(
    "values",
    [
        {"class_names": NAMES},
        {"image_size": 16},
        {"mean": [0.1] * 3},
        {"architecture": "resnet10"},
        {"weights": "raw"},
    ],
)
def test_a_model_that_a_job_has_used_computes_what_it_computed(
    job: Job, change: Callable[..., list[Any]], values: dict[str, Any]
) -> None:
    row = job.pool.checkpoints.first()
    Checkpoint.objects.update(original_until=tomorrow())
    with pytest.raises(Conflict, match="A job has used this model"):
        change(row, **values)
    assert change(row, name="another name", description="new") == []


def test_no_job_begins_with_a_model_whose_change_is_checked(
    launch: Callable[..., Job], pool: Pool, change: Callable[..., list[Any]]
) -> None:
    change(pool.checkpoints.first(), class_names=NAMES)
    with pytest.raises(DomainError, match="not validated"):
        launch()


def test_in_quarantine_nothing_is_changed(
    rejected: Checkpoint, change: Callable[..., list[Any]], alice: User
) -> None:
    checkpoint_quarantine(checkpoint=rejected, by=None, reason="Asked for.")
    with pytest.raises(Conflict, match="quarantine"):
        change(rejected, class_names=NAMES)


def test_the_log_says_what_is_read_again(
    rejected: Checkpoint, change: Callable[..., list[Any]]
) -> None:
    change(rejected, class_names=NAMES, image_size=16, description="a secret")
    details = Record.objects.get(act=Act.MODEL_CHANGED).details
    assert details["read_again_for"] == ["class_names", "image_size"]
    assert "secret" not in str(details)


def test_an_upload_that_is_kept_counts_as_long_as_it_is_kept(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    row = make_checkpoint(state=S.REJECTED, upload_bytes=100, original_until=tomorrow())
    make_checkpoint(upload_bytes=10, content=b"x" * 8, original_until=tomorrow())
    assert storage_used_by(alice) == 118
    Checkpoint.objects.update(original_until=timezone.now() - timedelta(seconds=1))
    assert storage_used_by(alice) == 8
    Checkpoint.objects.filter(pk=row.pk).update(state=S.UPLOADED)
    assert storage_used_by(alice) == 108


def test_what_is_locked_has_its_reason(
    rejected: Checkpoint, make_checkpoint: Callable[..., Any], job: Job
) -> None:
    assert not locked_fields(rejected).fields
    assert locked_fields(make_checkpoint()).fields == {"architecture", "weights"}
    model = job.pool.checkpoints.first()
    assert model is not None
    assert locked_fields(model).fields == set(DECLARED)
