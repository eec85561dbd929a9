"""Writes about pools."""

from collections.abc import Sequence
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from marketplace.accounts.models import Team, User, Visibility
from marketplace.audit.services import record
from marketplace.audit.states import Act
from marketplace.checkpoints.models import Checkpoint
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.core.errors import Conflict, DomainError
from marketplace.pools.models import Pool, PoolMember
from marketplace.pools.selectors import members_fit, pool_fit, pool_members


@transaction.atomic
def pool_create(
    *,
    owner: User,
    name: str,
    checkpoint_ids: Sequence[UUID | str],
    visibility: str = Visibility.PRIVATE,
    team: Team | None = None,
) -> Pool:
    """A new pool of models that fit together, or DomainError saying which do not and why."""
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise DomainError(
            "The pool needs a name of at most 120 characters.",
            fields={"name": "Give the pool a name of at most 120 characters."},
        )
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
    """Choose again, as long as no job has used the pool."""
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
    """Delete a pool that no job has used; only its owner gets here."""
    row = Pool.objects.select_for_update().filter(pk=pool.pk).first()
    if row is None:
        raise Conflict("This pool has just been deleted.")
    if row.is_frozen:
        raise Conflict("A job has used this pool; it stays, because its meta-learner names it.")
    # By the query, so that the row that the log speaks of keeps its id.
    Pool.objects.filter(pk=row.pk).delete()
    record(Act.POOL_DELETED, by=row.owner, row=row, name=row.name)


def pool_hold(*, pool: Pool) -> None:
    """Keep the pool and its models as they are until the transaction ends; Conflict if it is gone.

    Models are locked in the order of their ids, here as everywhere, so that there is no deadlock.
    """
    if Pool.objects.select_for_update().filter(pk=pool.pk).first() is None:
        raise Conflict("This pool has just been deleted.")
    models = Checkpoint.objects.filter(pk__in=pool.members.values("checkpoint")).order_by("pk")
    list(models.select_for_update().values_list("pk", flat=True))


def pool_freeze(*, pool: Pool) -> None:
    """From now on the pool's models do not change."""
    Pool.objects.filter(pk=pool.pk, frozen_at__isnull=True).update(frozen_at=timezone.now())
    pool.refresh_from_db(fields=["frozen_at"])


def pool_recheck(*, pool: Pool, user: User) -> None:
    """DomainError unless every model may still be used: valid, consented and visible now."""
    fit = members_fit(pool_members(pool, user))
    problems = fit.problems
    if fit.n_hidden:
        problems.append(
            f"{fit.n_hidden} of the pool's models are not shared with you; make a new pool."
        )
    if problems:
        raise DomainError(problems[0], fields={"pool": " ".join(problems)})


def _chosen(user: User, ids: Sequence[UUID | str]) -> list[Checkpoint]:
    """The models of these ids, kept as they are until the transaction ends."""
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
