from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from contract.names import cleaned_name, name_problem
from marketplace.accounts.models import Team, User, Visibility
from marketplace.accounts.services import deleted_user
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.core.errors import Conflict, DomainError
from marketplace.pools.models import Pool, PoolMember
from marketplace.pools.selectors import members_fit, pool_fit, pool_members

CLOSED_POOL = "a pool of a closed account"


@transaction.atomic
def pool_create(
    *,
    owner: User,
    name: str,
    checkpoint_ids: Sequence[UUID | str],
    visibility: str = Visibility.PRIVATE,
    team: Team | None = None,
) -> Pool:
    """Create a pool. Raise DomainError with the reasons if the models do not fit together."""
    name = cleaned_name(name)
    if not name or len(name) > 120:
        raise DomainError(
            "The pool needs a name of at most 120 characters.",
            fields={"name": "Give the pool a name of at most 120 characters."},
        )
    if problem := name_problem(name):
        raise DomainError(problem, fields={"name": problem})
    sharing = Pool.check_sharing(owner, visibility, team)
    checkpoints = _chosen(owner, checkpoint_ids)
    if problems := pool_fit(checkpoints).problems:
        raise DomainError(problems[0], fields={"checkpoints": " ".join(problems)})
    pool = Pool.objects.create(owner=owner, name=name, **sharing)
    _write_members(pool, checkpoints)
    record(Act.POOL_MADE, by=owner, row=pool, models=len(checkpoints), visibility=visibility)
    return pool


@transaction.atomic
def pool_change_checkpoints(*, pool: Pool, by: User, checkpoint_ids: Sequence[UUID | str]) -> Pool:
    """Replace the models of a pool that no job has used."""
    row = Pool.objects.select_for_update().filter(pk=pool.pk).first()
    if row is None:
        raise Conflict("This pool has just been deleted.")
    if row.is_frozen:
        raise Conflict("A job has used this pool, so it is frozen; make a new pool instead.")
    checkpoints = _chosen(by, checkpoint_ids)
    if problems := pool_fit(checkpoints).problems:
        raise DomainError(problems[0], fields={"checkpoints": " ".join(problems)})
    pool.members.all().delete()
    _write_members(pool, checkpoints)
    record(Act.POOL_CHANGED, by=by, row=pool, models=len(checkpoints))
    return pool


@transaction.atomic
def pool_delete(*, pool: Pool) -> None:
    """Delete a pool that no job has used, with the jobs that ended before their first step.

    The caller checks that the user owns it.
    """
    row = Pool.objects.select_for_update().filter(pk=pool.pk).first()
    if row is None:
        raise Conflict("This pool has just been deleted.")
    if row.is_frozen:
        raise Conflict("A job has used this pool; it stays, because its meta-learner names it.")
    row.jobs.all().delete()
    # Deleting by query leaves the instance its id, which the log needs.
    Pool.objects.filter(pk=row.pk).delete()
    record(Act.POOL_DELETED, by=row.owner, row=row, name=row.name)


def pool_hold(*, pool: Pool) -> None:
    """Lock the pool and its models until the transaction ends. Raise Conflict if it is gone.

    Models are always locked in the order of their ids, which prevents deadlocks.
    """
    if Pool.objects.select_for_update().filter(pk=pool.pk).first() is None:
        raise Conflict("This pool has just been deleted.")
    models = Checkpoint.objects.filter(pk__in=pool.members.values("checkpoint")).order_by("pk")
    list(models.select_for_update().values_list("pk", flat=True))


def pool_freeze(*, pool: Pool) -> None:
    Pool.objects.filter(pk=pool.pk, frozen_at__isnull=True).update(frozen_at=timezone.now())
    pool.refresh_from_db(fields=["frozen_at"])


def pool_hand_over(*, pool: Pool) -> None:
    """Leave a pool that other people's jobs have used to no one, without its name."""
    pool.owner, pool.name = deleted_user(), CLOSED_POOL
    pool.visibility, pool.team = Visibility.PRIVATE, None
    pool.save(update_fields=["owner", "name", "visibility", "team"])


def pool_thaw(*, pool: Pool) -> None:
    """Let the pool change again. The caller holds its lock, and no job uses it."""
    Pool.objects.filter(pk=pool.pk).update(frozen_at=None)


def pool_recheck(*, pool: Pool, user: User) -> None:
    """Raise DomainError unless every model can still be used: valid, consented and visible."""
    fit = members_fit(pool_members(pool, user))
    problems = fit.problems
    if fit.n_hidden:
        problems.append(
            f"{fit.n_hidden} of the pool's models are not shared with you; make a new pool."
        )
    if problems:
        raise DomainError(problems[0], fields={"pool": " ".join(problems)})


def _chosen(user: User, ids: Sequence[UUID | str]) -> list[Checkpoint]:
    """Return the models of these ids, locked until the transaction ends."""
    wanted = list(dict.fromkeys(str(pk) for pk in ids))
    try:
        rows = checkpoints_visible_to(user).filter(pk__in=wanted).order_by("pk")
        found = {str(row.pk): row for row in rows.select_for_update(of=("self",))}
    except (ValidationError, ValueError) as error:
        raise DomainError(
            "One of the models has no valid id.", fields={"checkpoints": "Give the models' ids."}
        ) from error
    missing = [pk for pk in wanted if pk not in found]
    if missing:
        raise DomainError(
            f"There is no model {missing[0]} that you may see.",
            fields={"checkpoints": f"There is no model {missing[0]} that you may see."},
        )
    return [found[pk] for pk in wanted]


def _write_members(pool: Pool, checkpoints: Sequence[Checkpoint]) -> None:
    PoolMember.objects.bulk_create(
        PoolMember(pool=pool, checkpoint=row, position=index)
        for index, row in enumerate(checkpoints)
    )
