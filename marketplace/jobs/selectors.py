from django.db.models import Exists, OuterRef, QuerySet

from marketplace.accounts.selectors import Person, editable_by, seen_by
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.jobs.models import Job, JobEvent, MetricPoint
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool


def jobs_visible_to(user: Person) -> "QuerySet[Job]":
    """Return the visible jobs. `pool_shown` tells whether the user may see the pool as well."""
    seen = seen_by(user)
    pools = Pool.objects.filter(seen, pk=OuterRef("pool_id"))
    rows = Job.objects.select_related("owner", "team", "pool")
    return rows.filter(seen).annotate(pool_shown=Exists(pools))


def jobs_editable_by(user: Person) -> "QuerySet[Job]":
    return editable_by(Job.objects.select_related("owner", "team", "pool"), user)


def previews_shown(user: Person, job: Job) -> bool:
    """Return whether this user, who may see the job, may see its recovered images now.

    Every model must be visible to them and not in quarantine, and its owner must still consent. The
    conditions at the launch do not matter.
    """
    willing = checkpoints_visible_to(user).filter(
        consent_recovery=True, consent_preview=True, quarantined_at=None
    )
    return job.previews and not job.pool.members.exclude(checkpoint__in=willing).exists()


def previews_consented(job: Job) -> bool:
    """Return whether every owner still consents to previews, and the job is still there."""
    withdrawn = job.pool.members.exclude(
        checkpoint__consent_recovery=True,
        checkpoint__consent_preview=True,
        checkpoint__quarantined_at=None,
    )
    there = Job.objects.filter(pk=job.pk)
    return job.previews and not withdrawn.exists() and there.exists()


def job_waits(job_id: str) -> bool:
    return Job.objects.filter(pk=job_id, state=JobState.QUEUED).exists()


def job_curves(job: Job, *, since: int = 0) -> dict[str, list[list[float]]]:
    """Return every curve as [[step, value], …], with steps above `since` only."""
    points = MetricPoint.objects.filter(job=job, step__gt=since).order_by("step")
    curves: dict[str, list[list[float]]] = {}
    for name, step, value in points.values_list("name", "step", "value"):
        curves.setdefault(name, []).append([step, value])
    return curves


def job_events(job: Job, *, since: int = 0) -> "QuerySet[JobEvent]":
    """Return the log lines with an id above `since`."""
    return JobEvent.objects.filter(job=job, pk__gt=since).order_by("pk")
