from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from marketplace.accounts.selectors import Person, editable_by, row_by_row, seen_by
from marketplace.checkpoints.models import DELETED_MODEL
from marketplace.checkpoints.selectors import checkpoints_hidden_from
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool
from marketplace.pools.selectors import Member, pool_members

NOT_SHARED = "a model that is not shared with you"
CLOSED = (
    "This learner holds a copy of a model that is deleted, in quarantine or no longer shared with "
    "you, so it can be neither downloaded nor adapted."
)


def learners_visible_to(user: Person) -> "QuerySet[MetaLearner]":
    """Return a user's own meta-learners, and others of which every copied model is visible.

    `job_shown` and `pool_shown` tell whether the user may see its job and its pool,
    `copies_weights` whether it contains weights of models, and `usable` whether the user may have
    those.
    """
    seen = seen_by(user)
    copies = MetaLearner.copied_models.through.objects.filter(metalearner=OuterRef("pk"))
    hidden = checkpoints_hidden_from(user).filter(copied_into=OuterRef("pk"))
    rows = MetaLearner.objects.select_related("owner", "team", "job__pool")
    rows = rows.annotate(
        job_shown=Exists(Job.objects.filter(seen, pk=OuterRef("job_id"))),
        pool_shown=Exists(Pool.objects.filter(seen, pk=OuterRef("job__pool_id"))),
        copies_weights=Exists(copies),
        usable=~Exists(hidden),
    )
    mine = Q(owner_id=user.pk) if user.is_authenticated else Q(pk__in=[])
    return rows.filter(row_by_row(seen & (Q(usable=True) | mine)))


def learners_usable_by(user: Person) -> "QuerySet[MetaLearner]":
    """Return those that a user may download. Even for owners, copied models must be visible."""
    return learners_visible_to(user).filter(Q(usable=True))


def learners_editable_by(user: Person) -> "QuerySet[MetaLearner]":
    return editable_by(learners_visible_to(user), user)


def learner_file(learner: MetaLearner, path: str) -> dict[str, object] | None:
    """Return the entry of the file with exactly this path, or None."""
    return next((entry for entry in learner.files if entry["path"] == path), None)


def learner_lineage(learner: MetaLearner, user: Person) -> list[dict[str, Any]]:
    """Return the source models in the pool's order, as this user may see them now.

    For a hidden model the entry has hash, architecture, licence and consent, which describe the
    meta-learner, but not its name and owner. A deleted model is hidden from everyone.
    """
    # A used pool is frozen, so members keep their positions.
    members = dict(enumerate(pool_members(learner.job.pool, user)))
    copied = set(learner.copied_models.values_list("pk", flat=True))
    return [
        _lineage_entry(record, members.get(record.get("place", index)), copied)
        for index, record in enumerate(learner.provenance)
    ]


def _lineage_entry(
    record: dict[str, Any], member: Member | None, copied: set[UUID]
) -> dict[str, Any]:
    entry = {key: value for key, value in record.items() if key != "place"}
    entry["architecture"] = member.checkpoint.architecture if member else ""
    entry["copied"] = member is not None and member.checkpoint.pk in copied
    entry["deleted"] = member is not None and member.deleted
    if entry["deleted"]:
        entry |= {"name": DELETED_MODEL, "owner": ""}
    elif member is None or not member.visible:
        entry |= {"name": NOT_SHARED, "owner": ""}
    return entry
