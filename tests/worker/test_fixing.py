"""Fix in place, with real files: what was refused is read again, what was valid stays so."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from django.core.files.base import ContentFile
from django.utils import timezone

from marketplace import storage
from marketplace.accounts.models import User
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.clock import checkpoints_tick
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import DIED, checkpoint_claim
from marketplace.checkpoints.services import CheckpointDraft, checkpoint_delete, checkpoint_upload
from marketplace.checkpoints.states import CheckpointState
from metalearn.networks import NetworkSpec, build_network
from tests.worker.test_checkpoints import CLASSES, honest, validated
from worker.checkpoints import validate_checkpoint
from worker.loading import load_teacher
from worker.publishing import file_sha256
from worker.sandbox.client import SandboxCrashed
from worker.sandbox.validation import DeclaredUpload, ValidationResult, validate_file

S = CheckpointState


@pytest.fixture
def alice(transactional_db: None, sent: list[Any]) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def upload(alice: User) -> Callable[..., Checkpoint]:
    """A model of Alice's that a worker has read."""

    def put(data: bytes, **changes: Any) -> Checkpoint:
        said: dict[str, Any] = {
            "name": "model",
            "class_names": CLASSES,
            "image_size": 32,
            "channels": 3,
        }
        said |= {"mean": (0.5,) * 3, "std": (0.25,) * 3, "licence": "mit", **changes}
        file = ContentFile(data, name="m.pt")
        return validated(checkpoint_upload(owner=alice, draft=CheckpointDraft(**said), file=file))

    return put


@pytest.fixture
def change(alice: User) -> Callable[..., Checkpoint]:
    def make(row: Checkpoint, **values: Any) -> Checkpoint:
        checkpoint_change(checkpoint=row, by=alice, values=values)
        return row

    return make


@pytest.fixture
def two_weights(tmp_path: Path) -> bytes:
    """A training checkpoint with raw and averaged weights of the same network."""

    spec = NetworkSpec("conv4", width=8, channels=3, image_size=32, n_classes=5)
    states = []
    for seed in (0, 1):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            states.append(build_network(spec).state_dict())
    path = tmp_path / "both.pt"
    torch.save({"model": states[0], "model_ema": states[1], "epoch": 3}, path)
    return path.read_bytes()


def intact(row: Checkpoint) -> bool:
    """Whether the stored file is the one that the row speaks of."""
    with storage.local_copy(row.stored_key) as path:
        return file_sha256(path) == row.sha256


def test_three_names_for_five_outputs_cost_one_edit(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], stored: Callable[..., Any]
) -> None:
    row = upload(honest(), class_names=("a", "b", "c"))
    assert row.state == S.REJECTED and stored() == [storage.incoming_key(row.pk)]
    row = validated(change(row, class_names=CLASSES))
    assert (row.state, row.reason, row.n_classes) == (S.VALID, "", 5)
    assert stored() == [row.stored_key] and row.original_until is None
    assert load_teacher(row).class_names == CLASSES


def test_what_is_still_wrong_is_refused_again_and_kept_for_another_day(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], stored: Callable[..., Any]
) -> None:
    row = upload(honest(), class_names=("a", "b", "c"))
    Checkpoint.objects.update(original_until=timezone.now() + timedelta(minutes=1))
    row.refresh_from_db()
    row = validated(change(row, class_names=("a", "b", "c", "d")))
    assert row.state == S.REJECTED and row.original_until > timezone.now() + timedelta(hours=23)
    assert stored() == [storage.incoming_key(row.pk)]


def test_a_valid_model_gets_other_names_from_our_own_file(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], stored: Callable[..., Any]
) -> None:
    row = upload(honest())
    before, reading = row.sha256, row.reading
    names = ["one", "two", "three", "four", "five"]
    row = validated(change(row, class_names=names, mean=[0.4] * 3))
    assert (row.state, row.class_names, row.mean) == (S.VALID, names, [0.4] * 3)
    assert (row.pending, row.reading, row.stored_by) == ({}, reading, 2)
    assert row.sha256 != before and intact(row) and stored() == [row.stored_key]
    assert load_teacher(row).class_names == tuple(names)


def test_of_what_the_owner_corrects_it_is_not_said_that_the_file_said_it(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint]
) -> None:
    row = upload(honest(), image_size=None, mean=(), std=())
    assert row.reading["filled"].keys() == {"image_size", "normalisation"}
    row = validated(change(row, mean=[0.4] * 3))
    assert row.reading["filled"].keys() == {"image_size"}
    assert (row.state, row.mean) == (S.VALID, [0.4] * 3)


def test_what_is_left_open_again_is_read_from_our_own_file(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint]
) -> None:
    row = upload(honest())
    row = validated(change(row, class_names=[], image_size=0))
    assert (row.state, row.class_names, row.image_size) == (S.VALID, list(CLASSES), 32)


def test_names_that_stand_nowhere_are_added_afterwards(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], stored: Callable[..., Any]
) -> None:
    row = upload(honest(), class_names=())
    assert row.state == S.REJECTED and "name" in row.reason
    row = validated(change(row, class_names=CLASSES))
    assert (row.state, row.class_names) == (S.VALID, list(CLASSES))
    assert stored() == [row.stored_key]


def test_a_refused_change_leaves_a_valid_model_as_it_was(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], stored: Callable[..., Any]
) -> None:
    before = upload(honest())
    row = validated(change(before, class_names=["one", "two"]))
    assert row.state == S.VALID and "class" in row.reason.lower()
    assert (row.class_names, row.sha256) == (list(CLASSES), before.sha256)
    assert row.validated_at == before.validated_at
    assert row.pending == {"class_names": ["one", "two"]}
    assert intact(row) and stored() == [row.stored_key]


def test_the_owner_switches_to_the_raw_weights_and_back(
    upload: Callable[..., Checkpoint],
    change: Callable[..., Checkpoint],
    stored: Callable[..., Any],
    two_weights: bytes,
) -> None:
    row = upload(two_weights)
    assert (row.reading["weights"], row.reading["other_weights"]) == ("ema", ["raw"])
    assert row.keeps_original and storage.incoming_key(row.pk) in stored()
    averaged = row.fingerprint
    row = validated(change(row, weights="raw"))
    assert (row.state, row.weights, row.reading["weights"]) == (S.VALID, "raw", "raw")
    assert row.fingerprint != averaged and row.reading["told_by"] == "tensors"
    assert intact(row) and len(stored("checkpoints")) == 1
    row = validated(change(row, weights="ema"))
    assert row.fingerprint == averaged


def test_after_a_day_the_names_can_still_be_changed_and_the_weights_stay(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], two_weights: bytes
) -> None:
    row = upload(two_weights, weights="raw")
    raw = row.fingerprint
    Checkpoint.objects.update(original_until=timezone.now() - timedelta(seconds=1))
    storage.remove(storage.incoming_key(row.pk))
    row = validated(change(row, class_names=["v", "w", "x", "y", "z"]))
    assert (row.state, row.class_names[0], row.fingerprint) == (S.VALID, "v", raw)
    assert (row.weights, row.reading["weights"]) == ("raw", "raw")


def test_a_worker_that_dies_between_file_and_row_costs_nothing(
    upload: Callable[..., Checkpoint],
    change: Callable[..., Checkpoint],
    stored: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = change(upload(honest()), image_size=32, class_names=["v", "w", "x", "y", "z"])
    with monkeypatch.context() as patched:
        patched.setattr("worker.checkpoints.checkpoint_finish", _dies)
        with pytest.raises(KeyboardInterrupt):
            validate_checkpoint(str(row.pk))
    row.refresh_from_db()
    assert row.state == S.VALIDATING and intact(row) and len(stored()) == 2
    Checkpoint.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    checkpoints_tick()
    row = validated(row)
    assert (row.state, row.class_names[0], row.stored_by) == (S.VALID, "v", 3)
    assert intact(row) and stored() == [row.stored_key]


def _dies(**_: Any) -> None:
    raise KeyboardInterrupt


def test_a_worker_that_was_given_up_for_dead_writes_over_nothing(
    upload: Callable[..., Checkpoint],
    change: Callable[..., Checkpoint],
    stored: Callable[..., Any],
    two_weights: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = change(upload(two_weights), weights="raw")

    def slowly(source: Path, target: Path, declared: DeclaredUpload) -> ValidationResult:
        result = validate_file(source, target, declared)
        monkeypatch.setattr("worker.checkpoints.validate_file", validate_file)
        Checkpoint.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        checkpoints_tick()
        change(validated(row), weights="ema")
        validated(row)
        return result

    monkeypatch.setattr("worker.checkpoints.validate_file", slowly)
    validate_checkpoint(str(row.pk))
    row.refresh_from_db()
    assert (row.state, row.weights, row.reading["weights"]) == (S.VALID, "ema", "ema")
    assert intact(row) and stored("checkpoints") == [row.stored_key]


def test_a_change_whose_reading_dies_three_times_is_refused_and_the_model_stays(
    upload: Callable[..., Checkpoint],
    change: Callable[..., Checkpoint],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = upload(honest())
    row = change(before, image_size=64)

    def dies(*_: Any) -> None:
        raise SandboxCrashed("no answer")

    monkeypatch.setattr("worker.checkpoints.validate_file", dies)
    for _ in range(3):
        with pytest.raises(SandboxCrashed):
            validate_checkpoint(str(row.pk))
    row.refresh_from_db()
    assert (row.state, row.reason, row.image_size) == (S.VALID, DIED, 32)
    assert intact(row)


def test_a_rejected_model_whose_file_then_kills_its_readers_keeps_nothing(
    upload: Callable[..., Checkpoint], change: Callable[..., Checkpoint], stored: Callable[..., Any]
) -> None:
    row = change(upload(honest(), class_names=("a", "b")), class_names=CLASSES)
    for _ in range(3):
        assert checkpoint_claim(checkpoint_id=row.pk)
        Checkpoint.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        checkpoints_tick()
    row.refresh_from_db()
    assert (row.state, row.original_until) == (S.REJECTED, None)
    assert stored() == []


def test_an_upload_that_arrived_otherwise_than_it_was_sent_is_not_kept(
    alice: User, stored: Callable[..., Any]
) -> None:
    draft = CheckpointDraft(name="m", class_names=CLASSES, licence="mit")
    row = checkpoint_upload(owner=alice, draft=draft, file=ContentFile(honest(), name="m.pt"))
    Checkpoint.objects.update(upload_sha256="0" * 64)
    row = validated(row)
    assert row.state == S.REJECTED and "SHA-256" in row.reason
    assert stored() == [] and not row.keeps_original


def test_of_a_deleted_model_no_file_of_any_attempt_stays(
    upload: Callable[..., Checkpoint],
    change: Callable[..., Checkpoint],
    stored: Callable[..., Any],
    two_weights: bytes,
) -> None:
    row = validated(change(upload(two_weights), weights="raw"))
    checkpoint_delete(checkpoint=row)
    assert stored() == []
