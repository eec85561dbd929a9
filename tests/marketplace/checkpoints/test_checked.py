"""What a check with pictures says of a model, and how long it holds."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketplace.accounts.models import User
from marketplace.checkpoints.checked import checkpoint_checked, is_read_otherwise, read_as_now
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.moves import checkpoint_claim, checkpoint_finish
from marketplace.checkpoints.search import checkpoints_search
from marketplace.checkpoints.states import CheckpointState


@pytest.fixture
def checked(make_checkpoint: Callable[..., Any]) -> Checkpoint:
    """A model of which nine pictures of ten were right."""
    row = make_checkpoint(fingerprint="f" * 64, reading={"weights": "raw"})
    assert checkpoint_checked(checkpoint=row, read_as=read_as_now(row), right=9, pictures=10)
    row.refresh_from_db()
    return row


def test_the_row_says_how_many_were_right_and_how_it_was_read(checked: Checkpoint) -> None:
    assert str(checked.score) == "9 of 10 pictures right"
    assert checked.checked_as == read_as_now(checked)
    assert checked.checked_as["image_size"] == 32 and checked.checked_as["weights"] == "raw"


def test_a_model_that_nobody_has_checked_has_no_score(make_checkpoint: Callable[..., Any]) -> None:
    assert make_checkpoint().score is None


CHANGES = [
    {"architecture": "resnet10"},
    {"fingerprint": "e" * 64},
    {"reading": {"weights": "ema"}},
    {"image_size": 64},
    {"channels": 1},
    {"mean": [0.4, 0.5, 0.5]},
    {"std": [0.2] * 3},
    {"class_names": ["birds 1", "birds 0", "birds 2"]},
]


@pytest.mark.parametrize("changes", CHANGES)
def test_a_model_that_is_read_in_another_way_is_not_checked_any_more(
    checked: Checkpoint, changes: dict[str, Any]
) -> None:
    Checkpoint.objects.update(state=CheckpointState.UPLOADED)
    claimed = checkpoint_claim(checkpoint_id=checked.pk)
    assert claimed is not None
    assert checkpoint_finish(checkpoint=claimed, to=CheckpointState.VALID, **changes)
    assert claimed.score is None
    assert (claimed.checked_pictures, claimed.checked_right, claimed.checked_as) == (0, 0, {})


def test_a_model_that_is_read_again_as_it_was_stays_checked(checked: Checkpoint) -> None:
    Checkpoint.objects.update(state=CheckpointState.UPLOADED)
    claimed = checkpoint_claim(checkpoint_id=checked.pk)
    assert claimed is not None
    same = {"mean": [0.5] * 3, "sha256": "2" * 64, "reading": {"weights": "raw", "guessed": True}}
    assert checkpoint_finish(checkpoint=claimed, to=CheckpointState.VALID, **same)
    assert str(claimed.score) == "9 of 10 pictures right"


def test_a_model_without_a_check_is_not_compared(make_checkpoint: Callable[..., Any]) -> None:
    assert not is_read_otherwise(make_checkpoint(), {"image_size": 64})


@pytest.mark.parametrize("changes", [*CHANGES, {"state": CheckpointState.VALIDATING}])
def test_a_result_of_what_the_model_was_before_is_not_kept(
    make_checkpoint: Callable[..., Any], changes: dict[str, Any]
) -> None:
    row = make_checkpoint(fingerprint="f" * 64, reading={"weights": "raw"})
    seen = read_as_now(row)
    Checkpoint.objects.filter(pk=row.pk).update(**changes)
    assert not checkpoint_checked(checkpoint=row, read_as=seen, right=9, pictures=10)
    row.refresh_from_db()
    assert row.score is None


def test_a_result_for_a_model_that_was_deleted_meanwhile_is_not_kept(
    make_checkpoint: Callable[..., Any],
) -> None:
    row = make_checkpoint()
    seen = read_as_now(row)
    Checkpoint.objects.filter(pk=row.pk).delete()
    assert not checkpoint_checked(checkpoint=row, read_as=seen, right=1, pictures=1)


def test_the_database_keeps_no_more_right_pictures_than_pictures(
    make_checkpoint: Callable[..., Any],
) -> None:
    row = make_checkpoint()
    with pytest.raises(IntegrityError), transaction.atomic():
        Checkpoint.objects.filter(pk=row.pk).update(checked_right=2, checked_pictures=1)


def test_the_catalogue_is_narrowed_down_to_what_is_checked_or_is_not(
    alice: User, checked: Checkpoint, make_checkpoint: Callable[..., Any]
) -> None:
    make_checkpoint("fish")
    for wanted, names in (("yes", {"birds"}), ("no", {"fish"}), ("", {"birds", "fish"})):
        found = checkpoints_search(alice, {"checked": wanted})
        assert {row.name for row in found} == names
