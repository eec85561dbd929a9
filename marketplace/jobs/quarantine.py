"""Stops jobs on a pool with a quarantined model.

The model's page tells its owner and the staff which model and why. A job has other readers, so it
tells neither.
"""

from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_stop
from marketplace.jobs.states import JobState
from marketplace.pools.models import PoolMember

TAKEN_OUT = "A model of this pool was taken out of use by the operator."
_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def jobs_stop_quarantined() -> None:
    """Cancel waiting jobs, and ask running ones to stop after their step."""
    held = PoolMember.objects.filter(checkpoint__quarantined_at__isnull=False)
    jobs = Job.objects.filter(state__in=_UNFINISHED, pool__in=held.values("pool"))
    for job in jobs.distinct():
        if not held.filter(pool=job.pool_id).exists():  # released from quarantine meanwhile
            continue
        try:
            job_stop(job=job, reason=TAKEN_OUT)
        except IllegalMove:
            # It moved between the read and the write. The next tick handles it.
            continue
