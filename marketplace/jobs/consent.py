"""Jobs on a pool with a model whose owner withdrew the consent to recovery, or deleted it, stop.

The owner decides for the present, too: what runs is stopped within a minute, and what it kept of
the model is forgotten (`worker.snapshots.delete_withdrawn`). The job is seen by others, so it does
not name the model.
"""

from django.db.models import QuerySet

from marketplace.checkpoints.states import CheckpointState
from marketplace.jobs.models import Job
from marketplace.jobs.moves import IllegalMove, job_stop
from marketplace.jobs.states import JobState
from marketplace.pools.models import PoolMember

DELETED = "A model in this pool was deleted by its owner."
WITHDRAWN = "The owner of a model in this pool withdrew the consent to recover images from it."
_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


def jobs_without_consent() -> QuerySet[Job]:
    """Return the jobs, in any state, that have a model without consent in their pool.

    A deleted model has none.
    """
    members = PoolMember.objects.filter(checkpoint__consent_recovery=False)
    return Job.objects.filter(pool__in=members.values("pool"))


def jobs_stop_withdrawn() -> None:
    """One tick: cancel what waits, ask what runs to stop after its step."""
    for job in jobs_without_consent().filter(state__in=_UNFINISHED):
        try:
            job_stop(job=job, reason=_reason(job))
        except IllegalMove:
            # It moved between our read and our write; the next tick sees where to.
            continue


def _reason(job: Job) -> str:
    members = PoolMember.objects.filter(pool=job.pool_id, checkpoint__state=CheckpointState.DELETED)
    return DELETED if members.exists() else WITHDRAWN
