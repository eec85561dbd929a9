"""Quarantine: who sees what, what stops, and that all of it comes back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import reverse

from marketplace.accounts.models import User
from marketplace.audit.models import Record
from marketplace.checkpoints.changing import checkpoint_change
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.permissions import can_download_checkpoint, can_pool_checkpoint
from marketplace.checkpoints.quarantine import checkpoint_quarantine, checkpoint_release
from marketplace.checkpoints.search import checkpoints_search
from marketplace.checkpoints.selectors import checkpoints_listed_for, checkpoints_visible_to
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import Conflict, DomainError
from marketplace.pools.services import pool_create

WHY = "It was trained on pictures of people."


@pytest.fixture
def row(make_checkpoint: Callable[..., Any], sam: User) -> Checkpoint:
    """Alice's public model, in quarantine."""
    return checkpoint_quarantine(
        checkpoint=make_checkpoint("birds", visibility="public"), by=sam, reason=f"  {WHY} "
    )


def test_it_is_hidden_from_all_but_its_owner_and_staff(
    row: Checkpoint, alice: User, bob: User, charlie: User, sam: User
) -> None:
    for person in (bob, charlie, AnonymousUser()):
        assert row not in checkpoints_visible_to(person)
        assert row not in checkpoints_search(person, {})
    for person in (alice, sam):
        assert row in checkpoints_visible_to(person)
    assert row in checkpoints_listed_for(alice) and row not in checkpoints_listed_for(sam)


def test_nobody_can_use_it_not_even_its_owner(
    row: Checkpoint, alice: User, sam: User, make_checkpoint: Callable[..., Any]
) -> None:
    for person in (alice, sam):
        assert not can_download_checkpoint(person, row)
        assert not can_pool_checkpoint(person, row)
    with pytest.raises(DomainError, match="in quarantine; leave it out"):
        pool_create(owner=alice, name="pool", checkpoint_ids=[row.pk, make_checkpoint("b").pk])
    with pytest.raises(Conflict, match=WHY):
        checkpoint_change(checkpoint=row, by=alice, values={"description": "harmless"})
    with pytest.raises(Conflict, match=WHY):
        checkpoint_delete(checkpoint=row)


def test_lifting_it_gives_everything_back(
    row: Checkpoint, alice: User, charlie: User, sam: User
) -> None:
    freed = checkpoint_release(checkpoint=row, by=sam)
    assert freed in checkpoints_visible_to(charlie) and freed in checkpoints_search(charlie, {})
    assert can_download_checkpoint(charlie, freed) and can_pool_checkpoint(charlie, freed)
    checkpoint_change(checkpoint=freed, by=alice, values={"description": "harmless"})


def test_it_is_done_once_with_a_reason_and_written_into_the_log(row: Checkpoint, sam: User) -> None:
    with pytest.raises(Conflict, match="already"):
        checkpoint_quarantine(checkpoint=row, by=sam, reason=WHY)
    checkpoint_release(checkpoint=row, by=None)
    with pytest.raises(Conflict, match="not in quarantine"):
        checkpoint_release(checkpoint=row, by=sam)
    for reason in ("", "   ", "x" * 501):
        with pytest.raises(DomainError, match="reason"):
            checkpoint_quarantine(checkpoint=row, by=sam, reason=reason)
    acts = Record.objects.filter(row=str(row.pk)).order_by("number")
    assert [(act.act, act.person) for act in acts] == [
        ("model.quarantined", "sam"), ("model.released", ""),
    ]  # fmt: skip
    assert acts[0].details["reason"] == WHY


def test_its_page_tells_the_owner_why_and_strangers_nothing(
    row: Checkpoint, alice: User, charlie: User, sam: User, client: Client
) -> None:
    page, file = (
        reverse(name, args=[row.pk]) for name in ("checkpoint_detail", "checkpoint_download")
    )
    for person in (alice, sam):
        client.force_login(person)
        assert WHY in client.get(page).content.decode()
        assert client.get(file).status_code == 404
    client.force_login(charlie)
    assert client.get(page).status_code == 404 and client.get(file).status_code == 404
    client.force_login(alice)
    assert "In quarantine" in client.get(reverse("checkpoint_list")).content.decode()
    builder = client.get(reverse("pool_candidates")).content.decode()
    assert str(row.pk) not in builder
