"""Jobs on a pool with a quarantined model stop.

Which model and why stands on that model's own page, for its owner and the staff; a job is seen by
others, so it says neither."""

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_stop
from marketplace.jobs.states import JobState
from marketplace.pools.models import PoolMember

TAKEN_OUT = "A model of this pool was taken out of use by the operator."
_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def jobs_stop_quarantined() -> None:
    """One tick: cancel what waits, ask what runs to stop after its step."""
    held = PoolMember.objects.filter(checkpoint__quarantined_at__isnull=False)
    jobs = Job.objects.filter(state__in=_UNFINISHED, pool__in=held.values("pool"))
    for job in jobs.distinct():
        if not held.filter(pool=job.pool_id).exists():  # taken out of quarantine just now
            continue
        try:
            job_stop(job=job, reason=TAKEN_OUT)
        except IllegalMove:
            # It moved between our read and our write; the next tick sees where to.
            continue
