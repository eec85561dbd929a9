"""Pools: made of what fits, frozen by the first job."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User, Visibility
from marketplace.checkpoints.models import Checkpoint
from marketplace.core.errors import Conflict, DomainError
from marketplace.pools.models import Pool
from marketplace.pools.permissions import can_edit_pool
from marketplace.pools.selectors import pool_checkpoints
from marketplace.pools.services import (
    pool_change_checkpoints,
    pool_create,
    pool_delete,
    pool_freeze,
    pool_recheck,
)


def test_a_pool_keeps_the_order_of_its_models(
    alice: User, make_checkpoint: Callable[..., Any]
) -> None:
    rows = [make_checkpoint(name) for name in "cab"]
    pool = pool_create(owner=alice, name="x", checkpoint_ids=[row.pk for row in rows])
    assert pool_checkpoints(pool) == rows
    pool_change_checkpoints(pool=pool, by=alice, checkpoint_ids=[rows[2].pk, rows[0].pk])
    assert pool_checkpoints(pool) == [rows[2], rows[0]]


def test_a_model_counts_once(alice: User, make_checkpoint: Callable[..., Any]) -> None:
    row = make_checkpoint()
    with pytest.raises(DomainError, match="at least two"):
        pool_create(owner=alice, name="x", checkpoint_ids=[row.pk, str(row.pk)])


@pytest.mark.parametrize("name", ["", "   ", "x" * 121])
def test_a_pool_needs_a_name(alice: User, make_checkpoint: Callable[..., Any], name: str) -> None:
    rows = [make_checkpoint("a"), make_checkpoint("b")]
    with pytest.raises(DomainError) as caught:
        pool_create(owner=alice, name=name, checkpoint_ids=[row.pk for row in rows])
    assert set(caught.value.fields) == {"name"}


def test_a_foreign_model_enters_only_when_it_is_shared(
    charlie: User, make_pool: Callable[..., Any], make_checkpoint: Callable[..., Any]
) -> None:
    mine = make_checkpoint("mine", owner=charlie)
    alices = make_checkpoint("alices")
    with pytest.raises(DomainError, match="that you may see"):
        make_pool(owner=charlie, checkpoints=[mine, alices])
    Checkpoint.objects.filter(pk=alices.pk).update(visibility=Visibility.PUBLIC)
    assert make_pool(owner=charlie, checkpoints=[mine, alices]).owner == charlie


def test_an_id_that_is_none_is_refused_in_words(alice: User) -> None:
    with pytest.raises(DomainError) as caught:
        pool_create(owner=alice, name="x", checkpoint_ids=["no", "id"])
    assert set(caught.value.fields) == {"checkpoints"}


@pytest.mark.parametrize("visibility", ["odd", "team"])
def test_sharing_is_checked(alice: User, make_pool: Callable[..., Any], visibility: str) -> None:
    with pytest.raises(DomainError):
        make_pool(visibility=visibility)


def test_a_frozen_pool_neither_changes_nor_goes(pool: Pool, alice: User) -> None:
    before = pool_checkpoints(pool)
    pool_freeze(pool=pool)
    frozen_at = pool.frozen_at
    pool_freeze(pool=pool)
    assert pool.frozen_at == frozen_at
    with pytest.raises(Conflict, match="frozen"):
        pool_change_checkpoints(pool=pool, by=alice, checkpoint_ids=[before[0].pk])
    with pytest.raises(Conflict):
        pool_delete(pool=pool)
    assert pool_checkpoints(pool) == before
    assert not can_edit_pool(alice, pool)


def test_a_change_that_does_not_fit_changes_nothing(pool: Pool, alice: User) -> None:
    before = pool_checkpoints(pool)
    with pytest.raises(DomainError):
        pool_change_checkpoints(pool=pool, by=alice, checkpoint_ids=[before[0].pk])
    assert pool_checkpoints(pool) == before


def test_an_unused_pool_goes(pool: Pool, alice: User, charlie: User) -> None:
    assert can_edit_pool(alice, pool) and not can_edit_pool(charlie, pool)
    pool_delete(pool=pool)
    assert not Pool.objects.exists() and Checkpoint.objects.count() == 2


def test_a_recheck_says_what_has_changed(pool: Pool, alice: User, charlie: User) -> None:
    pool_recheck(pool=pool, user=alice)
    with pytest.raises(DomainError, match="not shared with you"):
        pool_recheck(pool=pool, user=charlie)
    Checkpoint.objects.update(consent_recovery=False)
    with pytest.raises(DomainError, match="not consented"):
        pool_recheck(pool=pool, user=alice)
