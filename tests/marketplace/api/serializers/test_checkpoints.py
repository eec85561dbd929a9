"""Models as JSON."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.api.serializers.checkpoints import (
    CheckpointChangeSerializer,
    CheckpointDraftSerializer,
    CheckpointRowSerializer,
    CheckpointSerializer,
    UploadBeginSerializer,
)
from marketplace.checkpoints.class_list import SHOWN
from marketplace.checkpoints.states import CheckpointState
from tests.marketplace.api.asking import asked_by


def test_why_a_change_was_refused_is_told_to_the_owner_alone(
    make_checkpoint: Callable[..., Any], alice: User, bob: User
) -> None:
    row = make_checkpoint(reason="Five names, six outputs.")
    shown = [CheckpointSerializer(row, context=asked_by(user)).data for user in (alice, bob)]
    assert [one["reason"] for one in shown] == ["Five names, six outputs.", ""]
    row.state = CheckpointState.REJECTED
    told = CheckpointSerializer(row, context=asked_by(bob)).data
    assert told["reason"] == "Five names, six outputs."


def test_a_check_with_pictures_is_shown_once_there_was_one(
    make_checkpoint: Callable[..., Any],
) -> None:
    row = make_checkpoint(checked_pictures=10, checked_right=9)
    assert CheckpointSerializer(row).data["checked"] is None
    row.checked_at = timezone.now()
    checked = CheckpointSerializer(row).data["checked"]
    assert (checked["n_pictures"], checked["n_right"]) == (10, 9)


def test_a_list_has_the_first_of_many_class_names(make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint(n_classes=SHOWN + 1)
    assert len(CheckpointRowSerializer(row).data["class_names"]) == SHOWN
    assert len(CheckpointSerializer(row).data["class_names"]) == SHOWN + 1


def test_what_is_left_out_of_a_description_is_left_to_the_file(alice: User) -> None:
    shape = CheckpointDraftSerializer(data={"name": "Birds"}, context=asked_by(alice))
    assert shape.is_valid()
    draft = shape.draft()
    assert (draft.name, draft.class_names, draft.image_size, draft.mean) == ("Birds", (), 0, ())
    assert (draft.licence, draft.visibility) == ("unstated", "private")
    assert not draft.consent_recovery and not draft.consent_preview


@pytest.mark.parametrize(
    ("said", "valid"), [({}, False), ({"name": "Birds"}, True), ({"held": True}, True)]
)
def test_a_file_that_is_not_held_needs_a_name(
    alice: User, said: dict[str, Any], valid: bool
) -> None:
    shape = UploadBeginSerializer(data=said, context=asked_by(alice))
    assert shape.is_valid() is valid
    if valid:
        assert (shape.draft_unless_held() is None) is bool(said.get("held"))


def test_a_change_names_only_what_can_be_changed(alice: User) -> None:
    shape = CheckpointChangeSerializer(data={"state": "valid"}, context=asked_by(alice))
    assert not shape.is_valid() and set(shape.errors) == {"state"}
    shape = CheckpointChangeSerializer(data={"mean": [0.5]}, context=asked_by(alice))
    assert shape.is_valid() and shape.validated_data == {"mean": [0.5]}
