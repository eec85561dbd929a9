"""Reads about jobs."""

from django.db.models import Exists, OuterRef, QuerySet

from marketplace.accounts.selectors import Person, editable_by, seen_by
from marketplace.checkpoints.selectors import checkpoints_visible_to
from marketplace.jobs.models import Job, JobEvent, MetricPoint
from marketplace.jobs.states import JobState
from marketplace.pools.models import Pool


def jobs_visible_to(user: Person) -> "QuerySet[Job]":
    """The jobs this person may see; `pool_shown` says whether they may see its pool as well."""
    seen = seen_by(user)
    pools = Pool.objects.filter(seen, pk=OuterRef("pool_id"))
    rows = Job.objects.select_related("owner", "team", "pool")
    return rows.filter(seen).annotate(pool_shown=Exists(pools))


def jobs_editable_by(user: Person) -> "QuerySet[Job]":
    """The jobs this person may cancel or resume."""
    return editable_by(Job.objects.select_related("owner", "team", "pool"), user)


def previews_shown(user: Person, job: Job) -> bool:
    """Whether this person, who sees the job, may see its recovered images now.

    Every model must be one that they see, that is not in quarantine, and whose owner still
    consents: what was so at the launch does not count.
    """
    willing = checkpoints_visible_to(user).filter(
        consent_recovery=True, consent_preview=True, quarantined_at=None
    )
    return job.previews and not job.pool.members.exclude(checkpoint__in=willing).exists()


def previews_consented(job: Job) -> bool:
    """Whether every owner still consents to recovered images being shown at all."""
    withdrawn = job.pool.members.exclude(
        checkpoint__consent_recovery=True,
        checkpoint__consent_preview=True,
        checkpoint__quarantined_at=None,
    )
    return job.previews and not withdrawn.exists()


def job_waits(job_id: str) -> bool:
    """Whether the job wants a worker."""
    return Job.objects.filter(pk=job_id, state=JobState.QUEUED).exists()


def job_curves(job: Job, *, since: int = 0) -> dict[str, list[list[float]]]:
    """Every curve as [[step, value], …], steps above `since` only."""
    points = MetricPoint.objects.filter(job=job, step__gt=since).order_by("step")
    curves: dict[str, list[list[float]]] = {}
    for name, step, value in points.values_list("name", "step", "value"):
        curves.setdefault(name, []).append([step, value])
    return curves


def job_events(job: Job, *, since: int = 0) -> "QuerySet[JobEvent]":
    """The log, lines with an id above `since` only."""
    return JobEvent.objects.filter(job=job, pk__gt=since).order_by("pk")
