"""Who sees which models, and what they weigh."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.db.models import QuerySet

from marketplace.accounts.models import User, Visibility
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_pool_checkpoint
from marketplace.checkpoints.selectors import checkpoints_editable_by, checkpoints_visible_to
from marketplace.checkpoints.states import CheckpointState


def names(rows: QuerySet[Any]) -> set[str]:
    """The names of rows."""
    return {row.name for row in rows}


def test_everybody_sees_what_is_shared_with_them(
    models: dict[str, Checkpoint], alice: User, bob: User, charlie: User
) -> None:
    assert names(checkpoints_visible_to(alice)) == {"private", "team", "public"}
    assert names(checkpoints_visible_to(bob)) == {"team", "public"}
    assert names(checkpoints_visible_to(charlie)) == {"public"}
    assert names(checkpoints_visible_to(AnonymousUser())) == {"public"}


def test_only_the_owner_edits(models: dict[str, Checkpoint], alice: User, bob: User) -> None:
    assert checkpoints_editable_by(alice).count() == 3
    assert checkpoints_editable_by(bob).count() == 0
    assert checkpoints_editable_by(AnonymousUser()).count() == 0


UNSHARED = set(CheckpointState) - {CheckpointState.VALID, CheckpointState.DELETED}


@pytest.mark.parametrize("state", sorted(UNSHARED))
def test_what_is_not_valid_is_seen_by_its_owner_only(
    models: dict[str, Checkpoint], alice: User, bob: User, state: CheckpointState
) -> None:
    Checkpoint.objects.update(state=state)
    assert checkpoints_visible_to(alice).count() == 3
    assert checkpoints_visible_to(bob).count() == 0
    assert not any(can_pool_checkpoint(alice, row) for row in Checkpoint.objects.all())


def test_the_database_wants_a_team_where_one_is_meant(make_checkpoint: Callable[..., Any]) -> None:
    with pytest.raises(IntegrityError):
        make_checkpoint(visibility=Visibility.TEAM)
