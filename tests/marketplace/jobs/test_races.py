"""Launches that meet a deletion, or each other: one wins, the other reads a sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from marketplace.accounts.models import User
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.services import checkpoint_delete
from marketplace.core.errors import Conflict, DomainError
from marketplace.jobs import services
from marketplace.jobs.models import Job
from marketplace.jobs.services import MAX_UNFINISHED_PER_PERSON
from marketplace.pools.models import Pool, PoolMember
from marketplace.pools.services import pool_change_checkpoints, pool_delete


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let something happen just before a launch has its locks."""

    def arrange(happening: Callable[..., Any]) -> None:
        hold = services.pool_hold

        def late(*, pool: Pool) -> None:
            happening()
            hold(pool=pool)

        monkeypatch.setattr(services, "pool_hold", late)

    return arrange


def test_a_pool_that_was_launched_on_a_moment_ago_is_not_deleted(
    pool: Pool, launch: Callable[..., Job]
) -> None:
    stale = Pool.objects.get()
    launch()
    with pytest.raises(Conflict, match="A job has used this pool"):
        pool_delete(pool=stale)
    assert Job.objects.get().pool == pool


def test_a_launch_on_a_pool_that_was_just_deleted_is_told_so(
    pool: Pool, launch: Callable[..., Job]
) -> None:
    Pool.objects.all().delete()
    with pytest.raises(Conflict, match="This pool has just been deleted"):
        launch()


def test_a_pool_that_was_just_deleted_is_neither_changed_nor_deleted_again(
    pool: Pool, alice: User
) -> None:
    Pool.objects.filter(pk=pool.pk).delete()
    with pytest.raises(Conflict, match="just been deleted"):
        pool_delete(pool=pool)
    with pytest.raises(Conflict, match="just been deleted"):
        pool_change_checkpoints(pool=pool, by=alice, checkpoint_ids=[])


def test_a_model_that_is_deleted_during_a_launch_is_missed_before_the_pool_is_frozen(
    pool: Pool, launch: Callable[..., Job], meanwhile: Callable[..., None]
) -> None:
    model = Checkpoint.objects.first()
    assert model is not None
    meanwhile(lambda: checkpoint_delete(checkpoint=model))
    with pytest.raises(DomainError, match="at least two models"):
        launch()
    pool.refresh_from_db()
    assert not pool.is_frozen and not Job.objects.exists()


def test_a_model_whose_pool_is_frozen_meanwhile_leaves_its_row(
    pool: Pool, launch: Callable[..., Job]
) -> None:
    model = Checkpoint.objects.first()
    assert model is not None
    launch()
    checkpoint_delete(checkpoint=model)
    assert PoolMember.objects.filter(pool=pool).count() == 2


def test_jobs_that_were_launched_meanwhile_count(
    launch: Callable[..., Job], pool: Pool, meanwhile: Callable[..., None]
) -> None:
    meanwhile(
        lambda: Job.objects.bulk_create(
            Job(owner=pool.owner, pool=pool, algorithm="free", version="1")
            for _ in range(MAX_UNFINISHED_PER_PERSON)
        )
    )
    with pytest.raises(DomainError, match="unfinished jobs"):
        launch()
