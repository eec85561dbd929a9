"""Reads about meta-learners."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from marketplace.accounts.selectors import Person, editable_by, row_by_row, seen_by
from marketplace.checkpoints.selectors import checkpoints_hidden_from
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool
from marketplace.pools.selectors import Member, pool_members

NOT_SHARED = "a model that is not shared with you"
CLOSED = (
    "This learner holds a copy of a model that is in quarantine or no longer shared with you, so "
    "it can be neither downloaded nor adapted."
)


def learners_visible_to(user: Person) -> "QuerySet[MetaLearner]":
    """The meta-learners this person may see: their own, and others with every model they copy.

    `job_shown` and `pool_shown` say whether they may see what it came from as well,
    `copies_weights` whether it holds weights of models, and `usable` whether they may have those.
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
    """Those of which this person may have the weights: to download, and to adapt.

    Its owner is no exception: a model that is hidden from them is hidden in its copy as well.
    """
    return learners_visible_to(user).filter(Q(usable=True))


def learners_editable_by(user: Person) -> "QuerySet[MetaLearner]":
    """The meta-learners this person may change."""
    return editable_by(learners_visible_to(user), user)


def learner_file(learner: MetaLearner, path: str) -> dict[str, object] | None:
    """The entry of one file, only if the learner has a file of exactly that path."""
    return next((entry for entry in learner.files if entry["path"] == path), None)


def learner_lineage(learner: MetaLearner, user: Person) -> list[dict[str, Any]]:
    """What it was made from, in the pool's order, as this person may know it now.

    Of a model that they may not see: hash, architecture, licence and consent, which say what the
    meta-learner is; not its name and owner.
    """
    # A pool that a job has used is frozen, so members stay in their places.
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
    if member is None or not member.visible:
        entry |= {"name": NOT_SHARED, "owner": ""}
    return entry
