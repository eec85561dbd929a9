"""Who may do what with a model."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import (
    can_download_checkpoint,
    can_edit_checkpoint,
    can_pool_checkpoint,
)
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.checkpoints.states import CheckpointState


def test_without_consent_a_model_is_visible_but_cannot_enter_a_pool(
    models: dict[str, Checkpoint], charlie: User
) -> None:
    assert can_pool_checkpoint(charlie, checkpoints_visible_to(charlie).get())
    Checkpoint.objects.update(consent_recovery=False)
    (public,) = checkpoints_visible_to(charlie)
    assert public.name == "public" and not can_pool_checkpoint(charlie, public)


def test_only_its_owner_changes_a_model(
    make_checkpoint: Callable[..., Any], shared: Any, alice: User, bob: User
) -> None:
    row = make_checkpoint(**shared.team)
    assert can_edit_checkpoint(alice, row)
    assert not can_edit_checkpoint(bob, row) and not can_edit_checkpoint(AnonymousUser(), row)


@pytest.mark.parametrize(
    ("changes", "download", "pool"),
    [
        ({}, True, True),
        ({"consent_recovery": False}, True, False),
        ({"state": CheckpointState.REJECTED}, False, False),
        ({"quarantined_at": timezone.now()}, False, False),
    ],
    ids=["valid", "without consent", "rejected", "in quarantine"],
)
def test_even_its_owner_uses_only_what_is_valid_free_and_consented_to(
    make_checkpoint: Callable[..., Any],
    alice: User,
    changes: dict[str, Any],
    download: bool,
    pool: bool,
) -> None:
    row = make_checkpoint(**changes)
    assert can_download_checkpoint(alice, row) is download
    assert can_pool_checkpoint(alice, row) is pool
