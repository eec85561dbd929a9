"""An upload on its way through the worker: accepted, rejected, claimed once."""

import errno
import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from pytest_django import Settings

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints import clock
from marketplace.checkpoints.clock import checkpoints_tick
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import checkpoint_claim, checkpoint_renew_lease
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_delete, checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from marketplace.core.leases import Jumps
from marketplace.queue import Task
from worker.checkpoints import validate_checkpoint
from worker.loading import load_teacher
from worker.sandbox.client import SandboxCrashed, SandboxError
from worker.sandbox.validation import DeclaredUpload, ValidationResult, validate_file

DEMO = Path(__file__).resolve().parents[2] / "marketplace" / "demo" / "pool"
CLASSES = ("bear", "lion", "mountain", "road", "trout")


@pytest.fixture
def upload(transactional_db: None, sent: list[Any]) -> Callable[..., Checkpoint]:
    alice = User.objects.create_user("alice")

    def put(data: bytes, **changes: Any) -> Checkpoint:
        draft = CheckpointDraft(
            name="model",
            class_names=changes.pop("class_names", CLASSES),
            image_size=32,
            channels=3,
            mean=(0.5,) * 3,
            std=(0.25,) * 3,
            licence="mit",
            **changes,
        )
        return checkpoint_upload(owner=alice, draft=draft, file=ContentFile(data, name="m.pt"))

    return put


def honest() -> bytes:
    return (DEMO / "model_000.safetensors").read_bytes()


def validated(row: Checkpoint) -> Checkpoint:
    validate_checkpoint(str(row.pk))
    row.refresh_from_db()
    return row


def test_an_honest_file_is_accepted_and_the_original_is_gone(
    upload: Callable[..., Checkpoint], sent: list[Any]
) -> None:
    row = upload(honest())
    assert sent == [(str(Task.VALIDATE_CHECKPOINT), {"checkpoint_id": str(row.pk)})]
    assert row.upload_sha256 == hashlib.sha256(honest()).hexdigest()
    row = validated(row)
    assert (row.state, row.reason) == (CheckpointState.VALID, "")
    assert (row.architecture, row.width, row.n_classes) == ("conv4", 32, 5)
    assert (row.reading["told_by"], row.reading["weights"], row.is_guess) == (
        "tensors",
        "raw",
        True,
    )
    assert row.n_parameters > 25_000 and len(row.fingerprint) == 64
    stored = default_storage.open(row.stored_key).read()
    assert hashlib.sha256(stored).hexdigest() == row.sha256
    assert not default_storage.exists(storage.incoming_key(row.pk))
    teacher = load_teacher(row)
    assert teacher.class_names == CLASSES
    assert torch.isfinite(teacher.logits(torch.rand(2, 3, 32, 32))).all()


@pytest.mark.parametrize(
    ("data", "changes", "words"),
    [
        (b"no checkpoint at all, only words" * 4, {}, "safetensors"),
        (honest()[:-1000], {}, ""),
        (honest(), {"class_names": ("one", "two")}, "class"),
        (honest(), {"architecture": "resnet10"}, "choose the architecture"),
    ],
    ids=["words", "truncated", "too few class names", "another architecture"],
)
def test_what_is_wrong_is_rejected_with_a_sentence_and_only_the_upload_stays_for_a_day(
    upload: Callable[..., Checkpoint],
    stored: Callable[..., Any],
    data: bytes,
    changes: dict[str, Any],
    words: str,
) -> None:
    row = validated(upload(data, **changes))
    assert row.state == CheckpointState.REJECTED
    assert len(row.reason) > 20 and words.lower() in row.reason.lower()
    assert stored() == [storage.incoming_key(row.pk)] and row.keeps_original
    assert row.original_until < timezone.now() + timedelta(days=1)


def test_the_file_name_and_the_weights_that_the_owner_wants_reach_the_reader(
    upload: Callable[..., Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def reading(source: Path, target: Path, declared: DeclaredUpload) -> ValidationResult:
        seen.append((declared.file_name, declared.weights))
        return ValidationResult(ok=False, reason="Choose.", reading={"candidates": ["conv4"]})

    monkeypatch.setattr("worker.checkpoints.validate_file", reading)
    row = validated(upload(honest(), weights="raw"))
    assert seen == [("m.pt", "raw")]
    assert (row.state, row.reading) == (CheckpointState.REJECTED, {"candidates": ["conv4"]})


def test_a_second_delivery_does_nothing(upload: Callable[..., Checkpoint]) -> None:
    row = validated(upload(honest()))
    before = row.validated_at
    assert validated(row).validated_at == before


@pytest.mark.parametrize("data", [honest(), b"no checkpoint at all"], ids=["honest", "words"])
def test_of_a_model_that_is_deleted_while_it_is_read_nothing_stays(
    upload: Callable[..., Checkpoint],
    stored: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    data: bytes,
) -> None:
    row = upload(data)

    def meanwhile(source: Path, target: Path, declared: DeclaredUpload) -> ValidationResult:
        result = validate_file(source, target, declared)
        checkpoint_delete(checkpoint=row)
        return result

    monkeypatch.setattr("worker.checkpoints.validate_file", meanwhile)
    validate_checkpoint(str(row.pk))
    assert stored() == [] and not Checkpoint.objects.exists()


def test_a_validation_whose_worker_died_is_done_by_the_next(
    upload: Callable[..., Checkpoint], sent: list[Any]
) -> None:
    row = upload(honest())
    assert checkpoint_claim(checkpoint_id=row.pk)
    assert checkpoint_claim(checkpoint_id=row.pk) is None
    long_ago = timezone.now() - timedelta(hours=1)
    Checkpoint.objects.update(lease_until=long_ago, woken_at=long_ago)
    sent.clear()
    checkpoints_tick()
    assert sent == [(str(Task.VALIDATE_CHECKPOINT), {"checkpoint_id": str(row.pk)})]
    assert validated(row).state == CheckpointState.VALID
    assert row.attempt == 2


def test_a_file_that_kills_its_worker_three_times_is_rejected(
    upload: Callable[..., Checkpoint],
) -> None:
    row = upload(honest())
    for _ in range(3):
        assert checkpoint_claim(checkpoint_id=row.pk)
        Checkpoint.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        checkpoints_tick()
    row.refresh_from_db()
    assert row.state == CheckpointState.REJECTED
    assert "three times" in row.reason
    assert not default_storage.exists(storage.incoming_key(row.pk))


def refused_by_the_store(*_: Any) -> None:
    answer = {"Error": {"Code": "403"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    raise ClientError(answer, "GetObject")


def raising(error: Any) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ("marketplace.storage.local_copy", raising(OSError(errno.EIO, "the store is away"))),
        ("marketplace.storage.local_copy", raising(FileNotFoundError("not mounted"))),
        ("marketplace.storage.local_copy", refused_by_the_store),
        ("marketplace.storage.adopt_file", raising(OSError(errno.ENOSPC, "disk full"))),
        ("worker.checkpoints.validate_file", raising(SandboxError("did not start"))),
    ],
    ids=["away", "not mounted", "refused", "disk full", "no sandbox"],
)
def test_what_is_not_the_files_fault_costs_it_no_attempt_however_often(
    upload: Callable[..., Checkpoint],
    sent: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    fault: Callable[..., None],
) -> None:
    row = upload(honest())
    with monkeypatch.context() as patched:
        patched.setattr(where, fault)
        for _ in range(5):
            row = validated(row)
            assert (row.state, row.reason) == (CheckpointState.UPLOADED, "")
            assert (row.lost_attempts, row.lease_until) == (0, None)
            Checkpoint.objects.update(woken_at=timezone.now() - timedelta(minutes=2))
            sent.clear()
            checkpoints_tick()
            assert sent == [(str(Task.VALIDATE_CHECKPOINT), {"checkpoint_id": str(row.pk)})]
    assert default_storage.exists(storage.incoming_key(row.pk))
    assert validated(row).state == CheckpointState.VALID


def test_an_original_that_cannot_be_removed_changes_no_verdict(
    upload: Callable[..., Checkpoint],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    row = upload(honest())
    with monkeypatch.context() as patched:
        patched.setattr("marketplace.storage.remove", raising(OSError("the store is away")))
        assert validated(row).state == CheckpointState.VALID
    assert "could not be removed" in caplog.text


@pytest.mark.parametrize(
    ("error", "words"),
    [(SandboxCrashed("no answer"), "died three times"), (ValueError("a bug"), "on our side")],
)
def test_a_file_whose_reading_ends_badly_three_times_is_rejected_with_the_true_reason(
    upload: Callable[..., Checkpoint],
    monkeypatch: pytest.MonkeyPatch,
    error: ValueError | SandboxCrashed,
    words: str,
) -> None:
    row = upload(honest())
    monkeypatch.setattr("worker.checkpoints.validate_file", raising(error))
    for lost in (1, 2, 3):
        with pytest.raises(type(error)):
            validate_checkpoint(str(row.pk))
        row.refresh_from_db()
        assert row.lost_attempts == lost
    assert row.state == CheckpointState.REJECTED and words in row.reason


def test_the_lease_is_renewed_while_a_file_is_read(
    upload: Callable[..., Checkpoint], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEARTBEAT_S = 0.05
    row = upload(honest())

    def slowly(source: Path, target: Path, declared: DeclaredUpload) -> ValidationResult:
        Checkpoint.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        until = time.monotonic() + 10
        while time.monotonic() < until:
            if Checkpoint.objects.get().lease_until > timezone.now():
                break
            time.sleep(0.05)
        checkpoints_tick()
        return validate_file(source, target, declared)

    monkeypatch.setattr("worker.checkpoints.validate_file", slowly)
    row = validated(row)
    assert (row.state, row.attempt) == (CheckpointState.VALID, 1)


def test_who_has_lost_a_file_renews_nothing(upload: Callable[..., Checkpoint]) -> None:
    row = checkpoint_claim(checkpoint_id=upload(honest()).pk)
    assert row is not None
    Checkpoint.objects.update(attempt=2)
    assert not checkpoint_renew_lease(checkpoint=row)


def test_a_validation_outlives_a_database_that_was_away(
    upload: Callable[..., Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "jumps", Jumps())
    row = upload(honest())
    assert checkpoint_claim(checkpoint_id=row.pk)
    Checkpoint.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    clock.jumps._deaf = True
    checkpoints_tick()
    row.refresh_from_db()
    assert (row.state, row.lost_attempts) == (CheckpointState.VALIDATING, 0)


def test_a_lease_that_a_clock_set_back_made_too_long_is_cut_short(
    upload: Callable[..., Checkpoint],
) -> None:
    row = upload(honest())
    assert checkpoint_claim(checkpoint_id=row.pk)
    Checkpoint.objects.update(lease_until=timezone.now() + timedelta(hours=1))
    checkpoints_tick()
    row.refresh_from_db()
    assert row.lease_until < timezone.now() + timedelta(minutes=6)
