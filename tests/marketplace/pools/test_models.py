"""The rows of a pool."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from marketplace.pools.models import Pool, PoolMember


def test_a_model_has_one_place_in_a_pool_and_is_not_deleted_from_under_it(pool: Pool) -> None:
    member = pool.members.first()
    assert member is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        PoolMember.objects.create(pool=pool, checkpoint=member.checkpoint, position=9)
    with pytest.raises(ProtectedError):
        member.checkpoint.delete()


def test_a_pool_is_frozen_from_its_first_job_on(pool: Pool) -> None:
    assert not pool.is_frozen
    pool.frozen_at = timezone.now()
    assert pool.is_frozen
