"""Jobs on a pool with a quarantined model stop, with its reason."""

from django.utils import timezone

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_log, job_move
from marketplace.jobs.states import JobState
from marketplace.pools.models import PoolMember

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def jobs_stop_quarantined() -> None:
    """One tick: cancel what waits, ask what runs to stop after its step."""
    held = PoolMember.objects.filter(checkpoint__quarantined_at__isnull=False)
    jobs = Job.objects.filter(state__in=_UNFINISHED, pool__in=held.values("pool"))
    for job in jobs.distinct():
        member = held.filter(pool=job.pool_id).select_related("checkpoint").first()
        if member is None:  # taken out of quarantine just now
            continue
        name, reason = member.checkpoint.name, member.checkpoint.quarantine_reason
        try:
            _stop(job, f"The model “{name}” is in quarantine: {reason}")
        except IllegalMove:
            # It moved between our read and our write; the next tick sees where to.
            continue


def _stop(job: Job, reason: str) -> None:
    if job.state == JobState.QUEUED:
        job_move(
            job=job,
            to=JobState.CANCELLED,
            only_from=JobState.QUEUED,
            error=reason,
            eta_s=None,
            finished_at=timezone.now(),
        )
    else:
        job_move(job=job, to=JobState.CANCELLING, error=reason)
    job_log(job=job, text=f"Stopped. {reason}")
