"""Who may do what with a pool."""

from typing import Any

from django.contrib.auth.models import AnonymousUser

from marketplace.accounts.models import User
from marketplace.pools.models import Pool
from marketplace.pools.permissions import can_edit_pool
from marketplace.pools.services import pool_freeze


def test_its_owner_changes_a_pool_until_a_job_has_used_it(
    pool: Pool, shared: Any, alice: User, bob: User
) -> None:
    Pool.objects.update(**shared.team)
    pool.refresh_from_db()
    assert can_edit_pool(alice, pool)
    assert not can_edit_pool(bob, pool) and not can_edit_pool(AnonymousUser(), pool)
    pool_freeze(pool=pool)
    assert not can_edit_pool(alice, pool)
