from marketplace.accounts.selectors import Person
from marketplace.pools.models import Pool


def can_edit_pool(user: Person, pool: Pool) -> bool:
    """Only its owner, until a job has used it."""
    return bool(user.is_authenticated and pool.owner_id == user.pk and not pool.is_frozen)
