"""The row of a model says what it is and where it is on its way."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.states import CheckpointState


def test_a_row_keeps_the_family_of_its_architecture(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint(architecture="timm/resnet18")
    assert row.family == "resnet"
    row.architecture = "timm/vit_tiny_patch16_224"
    row.save()
    row.refresh_from_db()
    assert row.family == "vit"


@pytest.mark.parametrize(("hours", "kept"), [(1, True), (-1, False)])
def test_an_upload_is_kept_until_its_time_is_over(hours: int, kept: bool) -> None:
    row = Checkpoint(size_bytes=7, original_until=timezone.now() + timedelta(hours=hours))
    assert row.keeps_original is kept and row.reads_original


def test_without_its_upload_a_validated_model_is_read_from_our_own_file() -> None:
    assert not Checkpoint(size_bytes=7).reads_original
    assert Checkpoint(size_bytes=0).reads_original


def test_a_score_is_of_the_last_check_and_of_as_many_classes_as_there_are() -> None:
    row = Checkpoint(class_names=["a", "b"], checked_right=3, checked_pictures=4)
    assert row.score is None
    row.checked_at = timezone.now()
    score = row.score
    assert score is not None and (score.right, score.pictures, score.classes) == (3, 4, 2)


def test_validation_has_ended_when_the_model_is_valid_or_rejected() -> None:
    final = {state for state in CheckpointState if Checkpoint(state=state).is_final}
    assert final == {CheckpointState.VALID, CheckpointState.REJECTED}
