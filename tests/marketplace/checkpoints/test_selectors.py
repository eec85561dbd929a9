"""Who sees which models, and what they weigh."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils import timezone

from marketplace.accounts.models import User, Visibility
from marketplace.checkpoints.arrivals import checkpoint_upload_begin
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_pool_checkpoint
from marketplace.checkpoints.selectors import (
    checkpoints_editable_by,
    checkpoints_visible_to,
)
from marketplace.checkpoints.states import CheckpointState
from marketplace.uploads.models import Upload
from marketplace.uploads.quota import storage_used_by
from marketplace.uploads.selectors import uploads_of
from tests.marketplace.checkpoints.test_services import DRAFT


@pytest.fixture
def models(make_checkpoint: Callable[..., Any], shared: Any) -> dict[str, Checkpoint]:
    """One of Alice's models for each way of sharing."""
    return {name: make_checkpoint(name, **changes) for name, changes in vars(shared).items()}


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


@pytest.mark.parametrize("state", sorted(set(CheckpointState) - {CheckpointState.VALID}))
def test_what_is_not_valid_is_seen_by_its_owner_only(
    models: dict[str, Checkpoint], alice: User, bob: User, state: CheckpointState
) -> None:
    Checkpoint.objects.update(state=state)
    assert checkpoints_visible_to(alice).count() == 3
    assert checkpoints_visible_to(bob).count() == 0
    assert not any(can_pool_checkpoint(alice, row) for row in Checkpoint.objects.all())


def test_without_consent_a_model_is_visible_but_cannot_enter_a_pool(
    models: dict[str, Checkpoint], charlie: User
) -> None:
    assert can_pool_checkpoint(charlie, checkpoints_visible_to(charlie).get())
    Checkpoint.objects.update(consent_recovery=False)
    (public,) = checkpoints_visible_to(charlie)
    assert public.name == "public" and not can_pool_checkpoint(charlie, public)


def test_a_file_counts_once_before_and_after_validation_and_not_once_it_is_rejected(
    make_checkpoint: Callable[..., Any], alice: User, charlie: User
) -> None:
    assert storage_used_by(alice) == 0
    make_checkpoint(content=b"x" * 10)
    make_checkpoint(upload_bytes=7, size_bytes=0, state="uploaded")
    make_checkpoint(owner=charlie, content=b"x" * 100)
    make_checkpoint(upload_bytes=1000, size_bytes=0, state="rejected")
    assert storage_used_by(alice) == 17


def test_the_database_wants_a_team_where_one_is_meant(make_checkpoint: Callable[..., Any]) -> None:
    with pytest.raises(IntegrityError):
        make_checkpoint(visibility=Visibility.TEAM)


def test_unfinished_uploads_are_their_owners_until_they_expire(alice: User, bob: User) -> None:
    upload = checkpoint_upload_begin(owner=alice, draft=DRAFT, length=10)
    assert list(uploads_of(alice)) == [upload]
    assert not uploads_of(bob).exists() and not uploads_of(AnonymousUser()).exists()
    Upload.objects.update(expires_at=timezone.now())
    assert not uploads_of(alice).exists()
