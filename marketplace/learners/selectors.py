"""Reads about meta-learners."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from marketplace.accounts.selectors import Person, editable_by, seen_by
from marketplace.jobs.models import Job
from marketplace.learners.models import MetaLearner
from marketplace.pools.models import Pool
from marketplace.pools.selectors import Member, pool_members

NOT_SHARED = "a model that is not shared with you"


def learners_visible_to(user: Person) -> "QuerySet[MetaLearner]":
    """The meta-learners this person may see.

    `job_shown` and `pool_shown` say whether they may see what it came from as well.
    """
    seen = seen_by(user)
    rows = MetaLearner.objects.select_related("owner", "team", "job__pool")
    return rows.filter(seen).annotate(
        job_shown=Exists(Job.objects.filter(seen, pk=OuterRef("job_id"))),
        pool_shown=Exists(Pool.objects.filter(seen, pk=OuterRef("job__pool_id"))),
    )


def learners_editable_by(user: Person) -> "QuerySet[MetaLearner]":
    """The meta-learners this person may change."""
    return editable_by(MetaLearner.objects.select_related("owner", "team", "job__pool"), user)


def learner_file(learner: MetaLearner, path: str) -> dict[str, object] | None:
    """The entry of one file, only if the learner has a file of exactly that path."""
    return next((entry for entry in learner.files if entry["path"] == path), None)


def learner_lineage(learner: MetaLearner, user: Person) -> list[dict[str, Any]]:
    """What it was made from, in the pool's order, as this person may know it now.

    Of a model that they may not see: hash, architecture, licence and consent, which say what the
    meta-learner is; not its name and owner.
    """
    # A pool that a job has used is frozen, so the records and the members keep the same order.
    members = pool_members(learner.job.pool, user)
    rest = len(learner.provenance) - len(members)
    return [
        _lineage_entry(record, member)
        for record, member in zip(learner.provenance, [*members, *[None] * rest], strict=False)
    ]


def _lineage_entry(record: dict[str, Any], member: Member | None) -> dict[str, Any]:
    architecture = member.checkpoint.architecture if member else ""
    entry = {**record, "architecture": architecture}
    if member is None or not member.visible:
        entry |= {"name": NOT_SHARED, "owner": ""}
    return entry
